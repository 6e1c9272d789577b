import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../../errors/index.ts';
import { RUNTIME } from '../../filesystem-view.ts';
import { runTool } from '../confined/installer.ts';
import type { InstallOptions, JsRuntime } from '../types.ts';
import type { NpmSettings } from '../user-settings/npm.ts';
import { deniedHint } from '../user-settings/reach.ts';
import { environmentFor } from './js-runtime.ts';
import { isInside, readText } from './program.ts';

/** An installed package that wants to run something of its own when it is installed. */
export interface ScriptedPackage {
  /** `name@1.2.3` */
  readonly label: string;
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  /** In the order in which npm runs them. */
  readonly scripts: readonly { readonly event: string; readonly command: string }[];
  /** Nothing that was asked for needs it: its failure is not the failure of the installation. */
  readonly isOptional: boolean;
}

const EVENTS = ['preinstall', 'install', 'postinstall'] as const;
/** More packages than any server has; what is beyond has no scripts run. */
const MAX_PACKAGES = 50_000;

const Names = v.fallback(v.record(v.string(), v.unknown()), {});
const ManifestSchema = v.object({
  name: v.fallback(v.string(), ''),
  version: v.fallback(v.string(), ''),
  scripts: Names,
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
  gypfile: v.fallback(v.optional(v.boolean()), undefined),
});
type Manifest = v.InferOutput<typeof ManifestSchema>;

/**
 * All packages installed below a folder that have install scripts, dependencies before those who need them (npm docs, "scripts"). By
 * the files that are there, and not by a package manager's list, which leaves some out.
 */
export function findInstallScripts(folder: string): readonly ScriptedPackage[] {
  const root = realpathSync(folder);
  const required = new Set(inOrder(root, [root], ['dependencies', 'peerDependencies']));
  const all = inOrder(
    root,
    [root, ...installedIn(root)],
    ['dependencies', 'optionalDependencies', 'peerDependencies'],
  );
  return all.flatMap((place) => {
    const manifest = place === root || !isInstalled(place) ? undefined : manifestOf(place);
    const scripts = manifest === undefined ? [] : scriptsOf(manifest, place);
    if (manifest === undefined || scripts.length === 0) return [];
    const { name, version } = manifest;
    const isOptional = !required.has(place);
    return [{ label: `${name}@${version}`, name, version, folder: place, scripts, isOptional }];
  });
}

/** Not a workspace of the project itself, which is a folder of the user's. */
function isInstalled(place: string): boolean {
  return place.split(/[\\/]/).includes('node_modules');
}

function scriptsOf(manifest: Manifest, place: string): ScriptedPackage['scripts'] {
  const written = EVENTS.flatMap((event) => {
    const command = manifest.scripts[event];
    return typeof command === 'string' && command.trim() !== '' ? [{ event, command }] : [];
  });
  const buildsItself = written.some(({ event }) => event === 'preinstall' || event === 'install');
  if (buildsItself || manifest.gypfile === false || !existsSync(join(place, 'binding.gyp'))) return written;
  // What npm does without being told.
  return [{ event: 'install', command: 'node-gyp rebuild' }, ...written];
}

/** Folders of packages as they depend on each other, those that need nothing first. */
function inOrder(
  root: string,
  starts: readonly string[],
  kinds: readonly ('dependencies' | 'optionalDependencies' | 'peerDependencies')[],
): readonly string[] {
  const seen = new Set<string>();
  const ordered: string[] = [];
  const open = (place: string) => {
    seen.add(place);
    const manifest = manifestOf(place);
    const names = kinds.flatMap((kind) => Object.keys(manifest?.[kind] ?? {}));
    // npm lists an optional dependency among the others as well.
    const isLeftOut = (name: string) =>
      !kinds.includes('optionalDependencies') && name in (manifest?.optionalDependencies ?? {});
    return { place, left: names.filter((name) => !isLeftOut(name)) };
  };
  for (const start of starts) {
    if (seen.has(start)) continue;
    const path = [open(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const name = top.left.shift();
      if (name === undefined) {
        ordered.push(top.place);
        path.pop();
        continue;
      }
      const found = findDependency(root, top.place, name);
      if (found !== undefined && !seen.has(found) && seen.size < MAX_PACKAGES) path.push(open(found));
    }
  }
  return ordered;
}

/** Where a package finds another one, as Node looks for it; `undefined` where it is not installed. */
function findDependency(root: string, from: string, name: string): string | undefined {
  for (let place = from; place === root || isInside(place, root); place = dirname(place)) {
    try {
      const found = realpathSync(join(place, 'node_modules', name));
      return isInside(found, root) ? found : undefined;
    } catch {
      // not there: further out
    }
  }
  return undefined;
}

/** Every package in every `node_modules` below a folder. */
function* installedIn(folder: string): Generator<string> {
  const left = [join(folder, 'node_modules')];
  let count = 0;
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    for (const entry of entriesOf(place)) {
      const { name } = entry;
      if (!entry.isDirectory() || ++count > MAX_PACKAGES) continue;
      const path = join(place, name);
      if (name.startsWith('@') || name === '.bun') left.push(path);
      else if (existsSync(join(path, 'package.json'))) yield path;
      if (!name.startsWith('@')) left.push(join(path, 'node_modules'));
    }
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // there is none
  }
}

function manifestOf(place: string): Manifest | undefined {
  try {
    return v.parse(ManifestSchema, JSON.parse(readText(join(place, 'package.json'))));
  } catch {
    return undefined; // nothing that a package manager would have installed
  }
}

interface ScriptRun {
  /** What is installed, for errors. */
  readonly request: string;
  readonly folder: string;
  readonly settings: NpmSettings;
  readonly runtime: JsRuntime;
}

/**
 * Runs all install scripts below a folder, one after the other, and tells which. They see the folder, neither logins nor the cache,
 * and reach only the registries. Throws `ERR_PACKAGE_INSTALL` for one that fails, unless its package is optional.
 */
export async function runInstallScripts(run: ScriptRun, options: InstallOptions): Promise<void> {
  const packages = findInstallScripts(run.folder);
  for (const each of packages) for (const script of each.scripts) await runScript(run, each, script, options);
  const ran = packages.map(
    ({ label, scripts }) => `${label} (${scripts.map(({ event }) => event).join(', ')})`,
  );
  options.logger.info(ran.length === 0 ? 'no package has install scripts' : 'install scripts were run', {
    package: run.request,
    ...(ran.length === 0 ? {} : { scripts: ran.join(', ') }),
  });
}

async function runScript(
  { request, folder, settings, runtime }: ScriptRun,
  { label, name, version, folder: place, isOptional }: ScriptedPackage,
  { event, command }: ScriptedPackage['scripts'][number],
  options: InstallOptions,
): Promise<void> {
  options.progress(`Running ${event} of ${label}`);
  const { exitCode, lastWords, denied } = await runTool(
    {
      request,
      call: (at) => ({
        command: inShell(command),
        env: {
          ...environmentFor(runtime),
          ...settings.certificates.env(at.settings),
          NODE_ENV: '',
          THV_PROGRAMS: programFolders(realpathSync(folder), place).join(':'),
          INIT_CWD: realpathSync(folder),
          npm_command: 'install',
          npm_lifecycle_event: event,
          npm_lifecycle_script: command,
          npm_package_name: name,
          npm_package_version: version,
          npm_package_json: join(place, 'package.json'),
          npm_config_user_agent: `npm/10.9.0 node/v${runtime.name === 'node' ? runtime.version : process.versions.node} ${process.platform} ${process.arch}`,
        },
      }),
      cwd: place,
      settings: settings.certificates.files,
      node: runtime.program,
      readOnlyPaths: runtime.paths,
      writable: [{ path: folder }],
      reach: settings.reach,
    },
    options,
  );
  if (exitCode === 0) return;
  const reason = `${event} of ${label} failed with exit code ${exitCode}: ${lastWords}`;
  if (isOptional) {
    options.logger.warn('an install script failed of a package that is optional', { reason });
    return;
  }
  const hint = deniedHint(denied);
  throw new ThvError('ERR_PACKAGE_INSTALL', { package: request, reason }, hint === undefined ? {} : { hint });
}

/** As npm runs it, with the programs of dependencies before those of the system. */
function inShell(command: string): readonly string[] {
  if (process.platform === 'win32') return [RUNTIME, 'exec', command];
  const prepare = 'PATH="$THV_PROGRAMS:$PATH"; export PATH; unset THV_PROGRAMS NODE_ENV; eval "$1"';
  return ['/bin/sh', '-c', prepare, 'thv', command];
}

function programFolders(root: string, place: string): readonly string[] {
  const found: string[] = [];
  for (let folder = place; folder === root || isInside(folder, root); folder = resolve(folder, '..'))
    found.push(join(folder, 'node_modules', '.bin'));
  return found;
}
