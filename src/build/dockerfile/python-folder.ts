import type { PythonProject } from '../folder/types.ts';
import type { Recipe } from './types.ts';

/** The same path in both stages, since programs of an environment name it. */
const ENVIRONMENT = '/opt/venv';
/** The one of the image, whatever version the project would rather have: nothing else is there (uv documentation, "--python"). */
const PYTHON = '--python "$(command -v python3)"';
const SYNC = `uv sync --frozen --no-dev --no-editable ${PYTHON}`;

/** The image of a folder with a `pyproject.toml`: an environment made by uv, and the folder beside it. */
export function pythonFolder(project: PythonProject): Recipe {
  const { run, hasSourceFolder } = project;
  return {
    builderEnvironment: [
      `ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1 \\
    PIP_NO_CACHE_DIR=1 \\
    PIP_DISABLE_PIP_VERSION_CHECK=1 \\
    PIP_BREAK_SYSTEM_PACKAGES=1 \\
    UV_PYTHON_DOWNLOADS=never \\
    UV_LINK_MODE=copy \\
    UV_COMPILE_BYTECODE=1 \\
    UV_PROJECT_ENVIRONMENT=${ENVIRONMENT} \\
    VIRTUAL_ENV=${ENVIRONMENT}`,
    ],
    authFile: 'netrc',
    install: ({ filesPrefix, runtime }) => [
      'RUN command -v uv >/dev/null || pip install --no-cache-dir uv',
      ...(project.isLocked ? installLocked(project) : installNewest(project)),
      ...(runtime.buildWith.length === 0
        ? []
        : [`RUN uv pip install ${runtime.buildWith.map((requirement) => `'${requirement}'`).join(' ')}`]),
      `RUN rm -rf .netrc ${filesPrefix}`,
    ],
    finish: () => [
      `COPY --from=builder --chown=appuser:appgroup ${ENVIRONMENT} ${ENVIRONMENT}`,
      'COPY --from=builder --chown=appuser:appgroup /build/ /app/',
      `ENV PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1 \\
    VIRTUAL_ENV=${ENVIRONMENT} \\${hasSourceFolder ? '\n    PYTHONPATH=/app/src \\' : ''}
    PATH=${ENVIRONMENT}/bin:$PATH`,
    ],
    entrypoint: ({ entrypointArguments }) => [...commandOf(run), ...entrypointArguments],
  };
}

function commandOf(run: PythonProject['run']): readonly string[] {
  if (run.kind === 'script') return [`${ENVIRONMENT}/bin/${run.script}`];
  return [
    `${ENVIRONMENT}/bin/python`,
    ...(run.kind === 'module' ? ['-m', run.module] : [`/app/${run.file}`]),
  ];
}

/** Dependencies first: they are reinstalled only when the lock file changes. */
function installLocked({ run, isPackage, installsAlone }: PythonProject): readonly string[] {
  const dependencies = `RUN ${SYNC} --no-install-project`;
  const project = isPackage ? `RUN ${SYNC}` : 'RUN uv pip install --no-deps .';
  return [
    ...(installsAlone
      ? ['COPY pyproject.toml uv.lock /build/', dependencies, 'COPY . /build/']
      : ['COPY . /build/', dependencies]),
    ...(isInstalled(run, isPackage) ? [project] : []),
  ];
}

function installNewest({ run, isPackage }: PythonProject): readonly string[] {
  return [
    'COPY . /build/',
    `RUN uv venv ${PYTHON} ${ENVIRONMENT}`,
    `RUN uv pip install ${isInstalled(run, isPackage) ? '.' : '-r pyproject.toml'}`,
  ];
}

/** A program exists only when its project is installed; a lone file may be no project that can be. */
function isInstalled(run: PythonProject['run'], isPackage: boolean): boolean {
  return run.kind === 'script' || (run.kind === 'module' && isPackage);
}
