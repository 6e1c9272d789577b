import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { PythonProject } from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import { runTool } from './run-tool.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';
import { interpretersOf, requireUv, uvOptions } from './uv.ts';

const ENVIRONMENT = '.venv';

/** Makes the environment of a copy of a Python project, by its lock file where it has one. Nothing is built, unless asked for. */
export async function fillPythonFolder(
  { folder, isLocked, isPackage }: PythonProject,
  copy: string,
  options: InstallOptions,
): Promise<void> {
  const uv = requireUv(folder, options);
  const base = uvOptions(options);
  // Building runs code of the project and its dependencies; modules are found without it.
  const building = options.scriptSandbox === undefined ? ['--no-build', '--no-install-project'] : [];
  const command = [uv, 'sync', '--quiet', '--no-dev', '--no-editable', ...building];
  const { exitCode, lastWords } = await runTool([...command, ...(isLocked ? ['--frozen'] : [])], {
    ...base,
    env: { ...base.env, UV_PROJECT_ENVIRONMENT: join(copy, ENVIRONMENT) },
    cwd: copy,
  });
  if (exitCode === 0) return;
  throw new ThvError(
    'ERR_PACKAGE_INSTALL',
    { package: folder, reason: lastWords },
    isPackage ? { hint: 'what has to be built needs --allow-install-scripts, or a container engine' } : {},
  );
}

/** How the copy is run. Throws `ERR_PACKAGE_INSTALL` for a program that is no function of a module. */
export function describePythonFolder(project: PythonProject, copy: string): InstalledPackage {
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
    readOnlyPaths: [path, ...interpretersOf(path)],
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
