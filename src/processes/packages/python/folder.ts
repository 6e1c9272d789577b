import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContextEntry, PythonProject } from '../../../build/index.ts';
import { ThvError } from '../../../errors/index.ts';
import { copyEntries } from '../folder-copy.ts';
import { PYTHON_SETTINGS } from '../folder-settings/python.ts';
import type { InstalledPackage, InstallOptions } from '../types.ts';
import { deniedHint } from '../user-settings/reach.ts';
import { checkPythonSources } from './folder-sources.ts';
import { findPythons, pythonsUsed } from './interpreters.ts';
import { callUv } from './uv.ts';

const ENVIRONMENT = '.venv';

/**
 * Copies a Python project and makes its environment, by its lock file where it has one. Nothing is built, unless asked for; where
 * packages come from is checked before anything is installed. Gives the Pythons outside of the copy that it needs.
 */
export async function fillPythonFolder(
  { folder, isLocked, isPackage }: PythonProject,
  entries: readonly ContextEntry[],
  copy: string,
  options: InstallOptions,
): Promise<readonly string[]> {
  const takes = (name: string) => !PYTHON_SETTINGS.has(name) && name !== ENVIRONMENT;
  await copyEntries(entries, copy, takes, options);
  const { settings, version, required } = await checkPythonSources(folder, entries, options);
  if (version !== undefined) writeFileSync(join(copy, '.python-version'), `${version}\n`);
  // Building runs code of the project and its dependencies; modules are found without it.
  const building = options.allowScripts ? [] : ['--no-build', '--no-install-project'];
  const frozen = isLocked ? ['--frozen'] : [];
  const environment = join(copy, ENVIRONMENT);
  const { exitCode, lastWords, denied } = await callUv(
    {
      request: folder,
      args: ['sync', '--quiet', '--no-dev', '--no-editable', ...building, ...frozen],
      cwd: copy,
      folders: [copy],
      env: { UV_PROJECT_ENVIRONMENT: environment },
      settings,
      wantedPython: version ?? required,
    },
    options,
  );
  if (exitCode === 0) return pythonsUsed([environment], findPythons(options));
  const hint =
    deniedHint(denied) ??
    (isPackage ? 'what has to be built needs --allow-install-scripts, or a container engine' : undefined);
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: folder, reason: lastWords },
    hint === undefined ? {} : { hint },
  );
}

/** Whether the environment in a copy has the Python that it was made with. */
export function hasPython(copy: string): boolean {
  return existsSync(join(copy, ENVIRONMENT, 'bin', 'python'));
}

/** How the copy is run. Throws `ERR_PACKAGE_INSTALL` for a program that is no function of a module. */
export function describePythonFolder(
  project: PythonProject,
  copy: string,
  interpreters: readonly string[],
): InstalledPackage {
  const { folder, hasSourceFolder } = project;
  const path = realpathSync(copy);
  return {
    reference: folder,
    version: 'local',
    command: [join(path, ENVIRONMENT, 'bin', 'python'), ...wordsOf(project, path)],
    env: {
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      PYTHONPATH: [...(hasSourceFolder ? [join(path, 'src')] : []), path].join(':'),
    },
    readOnlyPaths: [path, ...interpreters],
    cwd: path,
  };
}

function wordsOf({ folder, run }: PythonProject, path: string): readonly string[] {
  if (run.kind === 'module') return ['-m', run.module];
  if (run.kind === 'file') return [join(path, run.file)];
  const [, module, callable] = /^([\w.]+):([\w.]+)$/.exec(run.entryPoint) ?? [];
  if (module === undefined || callable === undefined) {
    throw new ThvError('ERR_PACKAGE_INSTALL', {
      package: folder,
      reason: `its program ${run.script} is no function of a module, as in package.module:main`,
    });
  }
  // What an installed program does (Python packaging user guide, "Entry points specification").
  const [name] = callable.split('.');
  const lines = [
    'import sys',
    `from ${module} import ${name}`,
    `sys.argv[0] = ${JSON.stringify(run.script)}`,
  ];
  return ['-c', [...lines, `sys.exit(${callable}())`].join('\n')];
}
