import { copyFileSync, existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeProject } from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import { bun, isScript, RUNTIME, runScripts, succeed } from './npm.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

/** Where `NodeProject.command` has the project. */
const IMAGE_FOLDER = '/app/';
/** Lock files that are always read, being of the usual tools; what is in the others depends on their version. */
const WELL_KNOWN: ReadonlySet<string> = new Set(['npm', 'bun']);

/** Installs what a copy of a Node project depends on, by its lock file where it can be read. Nothing of the project is run, unless asked for. */
export async function fillNodeFolder(
  { folder, installer, needsDevelopment, hasBuild }: NodeProject,
  copy: string,
  options: InstallOptions,
): Promise<void> {
  const { scriptSandbox, logger } = options;
  const { tool, lockFile } = installer;
  // The same file under another name, which bun does not know; npm prefers it.
  if (lockFile === 'npm-shrinkwrap.json') copyFileSync(join(copy, lockFile), join(copy, 'package-lock.json'));
  // Its settings may name a program to run while packages are installed (Bun documentation, "Security scanner").
  const settings = join(copy, '.no-settings.toml');
  await Bun.write(settings, '');
  const install = (...lock: readonly string[]) => {
    const quiet = ['--ignore-scripts', '--no-progress', '--no-summary', `--config=${settings}`];
    const kinds = scriptSandbox !== undefined && needsDevelopment ? [] : ['--production'];
    const cache = ['--cache-dir', join(options.cacheFolder, 'npm')];
    return bun(['install', ...quiet, ...kinds, ...cache, ...lock], copy, options);
  };
  // Scripts of dependencies are run by a lock file of bun's own.
  const unlocked = scriptSandbox === undefined ? '--no-save' : '--save-text-lockfile';
  if (lockFile === undefined) {
    succeed(await install(unlocked), folder);
  } else {
    if (scriptSandbox !== undefined) await bun(['pm', 'migrate'], copy, options);
    const locked = await install('--frozen-lockfile');
    if (locked.exitCode !== 0 && !WELL_KNOWN.has(tool)) {
      logger.warn('the lock file cannot be used, the newest versions that fit are installed', {
        folder,
        lockFile,
        reason: locked.lastWords,
      });
      rmSync(join(copy, lockFile));
      succeed(await install(unlocked), folder);
    } else succeed(locked, folder);
  }
  rmSync(settings);
  // Logins are for the installation alone.
  rmSync(join(copy, '.npmrc'), { force: true });
  if (scriptSandbox === undefined) return;
  if (existsSync(join(copy, 'bun.lock')))
    await runScripts(scriptSandbox, ['pm', 'trust', '--all'], copy, folder, options);
  if (hasBuild) await runScripts(scriptSandbox, ['run', '--bun', 'build'], copy, folder, options);
}

/** How the copy is run. Throws `ERR_PACKAGE_INSTALL` when its program is not there. */
export function describeNodeFolder(project: NodeProject, copy: string): InstalledPackage {
  return {
    reference: project.folder,
    version: 'local',
    command: commandOf(project, copy),
    env: { BUN_BE_BUN: '1', NODE_ENV: 'production' },
    readOnlyPaths: [realpathSync(copy)],
    // Servers look for files of theirs where they are started, as they are in a container.
    cwd: copy,
  };
}

function commandOf(project: NodeProject, copy: string): readonly string[] {
  const [program, ...words] = project.command;
  if (program !== 'node') return [RUNTIME, 'run', '--bun', '--silent', 'start'];
  const runtime = [RUNTIME, '--no-install', '--no-env-file'];
  const [file] = words;
  if (file?.startsWith(IMAGE_FOLDER) !== true) return [...runtime, ...words];
  const path = join(copy, file.slice(IMAGE_FOLDER.length));
  if (!existsSync(path)) throw missing(project, file.slice(IMAGE_FOLDER.length));
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
