import { copyFileSync, existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ContextEntry, NodeProject } from '../../../build/index.ts';
import { ThvError } from '../../../errors/index.ts';
import { RUNTIME } from '../../filesystem-view.ts';
import { runTool } from '../confined/installer.ts';
import { copyEntries } from '../folder-copy.ts';
import { isForServerAlone, NODE_SETTINGS, nodeSettings } from '../folder-settings/node.ts';
import { warnOf } from '../folder-settings/setting.ts';
import type { InstalledPackage, InstallOptions, JsRuntime } from '../types.ts';
import { type NpmSettings, npmSettings } from '../user-settings/npm.ts';
import { deniedHint } from '../user-settings/reach.ts';
import { installWithBun, succeed } from './bun.ts';
import { checkNodeSources } from './folder-sources.ts';
import { findInstallScripts, runInstallScripts } from './install-scripts.ts';
import { buildLabel, chooseJsRuntime, environmentFor, interpreterOf } from './js-runtime.ts';
import { isForBun, isScript, type Manifest, programIn, readManifest, readText } from './program.ts';

/** Where `NodeProject.command` has the project. */
const IMAGE_FOLDER = '/app/';
/** Lock files that are always read, being of the usual tools; what is in the others depends on their version. */
const WELL_KNOWN: ReadonlySet<string> = new Set(['npm', 'bun']);
const BINARY_LOCK = 'bun.lockb';
const SETTING_FILES = ['.npmrc', '.yarnrc', '.yarnrc.yml', 'bunfig.toml'];

/** What became of install scripts. */
export interface FilledFolder {
  readonly heldBack: readonly string[];
  /** What they were run with. */
  readonly builtFor: string | undefined;
}

/**
 * Copies a Node project and installs what it depends on, by its lock file where it can be read. Nothing of the project is run, unless
 * asked for; where packages come from is checked before anything is installed.
 */
export async function fillNodeFolder(
  project: NodeProject,
  entries: readonly ContextEntry[],
  copy: string,
  options: InstallOptions,
): Promise<FilledFolder> {
  const { folder, hasBuild } = project;
  await copyEntries(entries, copy, (name) => !NODE_SETTINGS.has(name) && !isForServerAlone(name), options);
  const settings = await settingsFor(folder, entries, options);
  if (project.installer.lockFile === BINARY_LOCK) await unpackLock(folder, copy, settings, options);
  rmSync(join(copy, BINARY_LOCK), { force: true }); // beside another one it would be read first, and cannot be checked
  const { leftOut } = checkNodeSources(folder, copy, settings);
  warnOf(leftOut, folder, options.logger);
  await installDependencies(project, copy, settings, options);
  // Before any script has run: one of them could have led the way elsewhere.
  await copyEntries(entries, copy, isForServerAlone, options);
  if (!options.allowScripts)
    return { heldBack: findInstallScripts(copy).map(({ label }) => label), builtFor: undefined };
  const runtime = await folderRuntime(project, copy, options);
  await runInstallScripts({ request: folder, folder: copy, settings, runtime }, options);
  if (hasBuild) await runBuild(folder, copy, settings, runtime, options);
  return { heldBack: [], builtFor: buildLabel(runtime) };
}

/** What is to run a copy. */
export async function folderRuntime(
  project: NodeProject,
  copy: string,
  options: InstallOptions,
): Promise<JsRuntime> {
  const { engines } = readManifestIn(copy);
  const [program = '', file = ''] = project.command;
  const path = join(copy, file.startsWith(IMAGE_FOLDER) ? file.slice(IMAGE_FOLDER.length) : '');
  const needsBun = program === 'node' && file.startsWith(IMAGE_FOLDER) && existsSync(path) && isForBun(path);
  return await chooseJsRuntime({ name: project.folder, engines, isForBun: needsBun }, options);
}

/** A project needs no name. */
function readManifestIn(copy: string): { readonly engines?: Manifest['engines'] } {
  try {
    return readManifest(copy);
  } catch {
    return {};
  }
}

async function runBuild(
  request: string,
  copy: string,
  settings: NpmSettings,
  runtime: JsRuntime,
  options: InstallOptions,
): Promise<void> {
  const { exitCode, lastWords, denied } = await runTool(
    {
      request,
      call: (place) => ({
        command: [...scriptRunner(runtime), 'build'],
        env: { BUN_BE_BUN: '1', ...settings.certificates.env(place.settings) },
      }),
      cwd: copy,
      settings: settings.certificates.files,
      node: runtime.program,
      readOnlyPaths: runtime.paths,
      writable: [{ path: copy }],
      reach: settings.reach,
    },
    options,
  );
  if (exitCode === 0) return;
  const hint = deniedHint(denied);
  const facts = { package: request, reason: lastWords };
  throw new ThvError('ERR_PACKAGE_INSTALL', facts, hint === undefined ? {} : { hint });
}

/** Runs a script of the manifest; programs that it names run under Node where that was chosen. */
function scriptRunner({ name }: JsRuntime): readonly string[] {
  return [RUNTIME, 'run', ...(name === 'bun' ? ['--bun'] : [])];
}

/** The user's registries and logins, and what of the folder's own settings is taken. */
async function settingsFor(
  folder: string,
  entries: readonly ContextEntry[],
  options: InstallOptions,
): Promise<NpmSettings> {
  const files = Object.fromEntries(
    entries.flatMap((entry) =>
      entry.kind === 'file' && SETTING_FILES.includes(entry.path)
        ? [[entry.path, readText(entry.source)]]
        : [],
    ),
  );
  const { userRegistries } = await npmSettings(options);
  const { registries, leftOut } = nodeSettings(files, userRegistries);
  warnOf(leftOut, folder, options.logger);
  return await npmSettings(options, registries);
}

/** A lock file that only the tool can read becomes one that can be checked. */
async function unpackLock(
  folder: string,
  copy: string,
  settings: NpmSettings,
  options: InstallOptions,
): Promise<void> {
  const args = ['install', '--save-text-lockfile', '--lockfile-only'];
  succeed(await installWithBun({ request: folder, args, folder: copy, settings }, options), folder);
}

async function installDependencies(
  { folder, installer, needsDevelopment }: NodeProject,
  copy: string,
  settings: NpmSettings,
  options: InstallOptions,
): Promise<void> {
  const { allowScripts, logger } = options;
  const { tool, lockFile } = installer;
  // The same file under another name, which bun does not know; npm prefers it.
  if (lockFile === 'npm-shrinkwrap.json') copyFileSync(join(copy, lockFile), join(copy, 'package-lock.json'));
  const kinds = allowScripts && needsDevelopment ? [] : ['--production'];
  const install = (...lock: readonly string[]) =>
    installWithBun(
      { request: folder, args: ['install', ...kinds, ...lock], folder: copy, settings },
      options,
    );
  if (lockFile === undefined) {
    succeed(await install('--no-save'), folder);
    return;
  }
  const locked = await install('--frozen-lockfile');
  if (locked.exitCode === 0 || WELL_KNOWN.has(tool)) return succeed(locked, folder);
  logger.warn('the lock file cannot be used, the newest versions that fit are installed', {
    folder,
    lockFile,
    reason: locked.lastWords,
  });
  rmSync(join(copy, lockFile));
  succeed(await install('--no-save'), folder);
}

/** How the copy is run. Throws `ERR_PACKAGE_INSTALL` when its program is not there, or is no file of it. */
export function describeNodeFolder(
  project: NodeProject,
  copy: string,
  runtime: JsRuntime,
  heldBack: readonly string[],
): InstalledPackage {
  return {
    reference: project.folder,
    version: 'local',
    command: commandOf(project, copy, runtime),
    env: environmentFor(runtime),
    readOnlyPaths: [realpathSync(copy), ...runtime.paths],
    node: runtime.program,
    jsRuntime: runtime,
    heldBack,
    // Servers look for files of theirs where they are started, as they are in a container.
    cwd: copy,
  };
}

function commandOf(project: NodeProject, copy: string, chosen: JsRuntime): readonly string[] {
  const [program, ...words] = project.command;
  if (program !== 'node') return [...scriptRunner(chosen), '--silent', 'start'];
  const runtime = interpreterOf(chosen);
  const [file] = words;
  if (file?.startsWith(IMAGE_FOLDER) !== true) return [...runtime, ...words];
  const inside = file.slice(IMAGE_FOLDER.length);
  if (!existsSync(join(copy, inside))) throw missing(project, inside);
  const path = programIn(copy, inside, project.folder);
  return isScript(path) ? [...runtime, path] : [path];
}

function missing({ folder, hasBuild }: NodeProject, program: string): ThvError {
  return new ThvError(
    'ERR_PACKAGE_INSTALL',
    {
      package: folder,
      reason: `its program ${program} is not in the folder, or is left out by .dockerignore or .thvignore`,
    },
    hasBuild ? { hint: 'build it first, or use --allow-install-scripts, which runs its build script' } : {},
  );
}
