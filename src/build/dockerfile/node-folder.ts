import type { NodeInstaller, NodeProject } from '../folder/types.ts';
import type { Recipe } from './types.ts';

const MANAGER = '/opt/package-manager';
const MANAGER_BIN = `${MANAGER}/node_modules/.bin`;

/** How a tool installs, and gets rid of what only the building needed. */
interface Tool {
  install(isLocked: boolean, withDevelopment: boolean): string;
  readonly build: string;
  prune(isLocked: boolean): string;
}

/** Documentation of npm ("npm ci", "npm prune"), pnpm, Yarn 1, Yarn ("workspaces focus") and Bun ("bun install"). */
const TOOLS: Readonly<Record<NodeInstaller['tool'], Tool>> = {
  npm: {
    install: (isLocked, withDevelopment) =>
      `npm ${isLocked ? 'ci' : 'install'} ${withDevelopment ? '--include=dev' : '--omit=dev'}`,
    build: 'npm run build',
    prune: () => 'npm prune --omit=dev',
  },
  pnpm: {
    install: (isLocked, withDevelopment) =>
      `pnpm install ${isLocked ? '--frozen-lockfile' : '--no-frozen-lockfile'}${withDevelopment ? '' : ' --prod'}`,
    build: 'pnpm run build',
    prune: () => 'pnpm prune --prod --config.ignore-scripts=true',
  },
  'yarn-classic': {
    install: (isLocked, withDevelopment) =>
      `yarn install --non-interactive --production=${!withDevelopment}${isLocked ? ' --frozen-lockfile' : ''}`,
    build: 'yarn run build',
    prune: (isLocked) =>
      `yarn install --non-interactive --production=true --ignore-scripts${isLocked ? ' --frozen-lockfile' : ''}`,
  },
  yarn: {
    // It installs for development always; what is too much is pruned.
    install: (isLocked) => `yarn install ${isLocked ? '--immutable' : '--no-immutable'}`,
    build: 'yarn run build',
    prune: () => 'yarn workspaces focus --all --production',
  },
  bun: {
    install: (isLocked, withDevelopment) =>
      `bun install${isLocked ? ' --frozen-lockfile' : ''}${withDevelopment ? '' : ' --production'}`,
    build: 'bun run build',
    prune: (isLocked) =>
      `rm -rf node_modules && bun install --production --ignore-scripts${isLocked ? ' --frozen-lockfile' : ''}`,
  },
};

/** Settings of package tools, which may hold logins. */
const LOGIN_FILES = ['.npmrc', '.netrc', '.yarnrc', '.yarnrc.yml'];

/** The image of a folder with a `package.json`: everything is installed and built in the builder stage. */
export function nodeFolder({
  installer,
  command,
  hasBuild,
  needsDevelopment,
  installsAlone,
}: NodeProject): Recipe {
  const { packageSpec, lockFile } = installer;
  const tool = TOOLS[installer.tool];
  const isLocked = lockFile !== undefined;
  const prunes = needsDevelopment || installer.tool === 'yarn';
  const install = `RUN ${tool.install(isLocked, needsDevelopment)}`;
  return {
    builderEnvironment: [
      `ENV CI=true \\
    NPM_CONFIG_LOGLEVEL=error \\
    NPM_CONFIG_FUND=false \\
    NPM_CONFIG_AUDIT=false \\
    NPM_CONFIG_UPDATE_NOTIFIER=false \\
    NPM_CONFIG_PROGRESS=false \\
    YARN_NODE_LINKER=node-modules \\
    YARN_ENABLE_TELEMETRY=0`,
    ],
    authFile: 'npmrc',
    install: ({ filesPrefix }) => [
      ...(packageSpec === undefined
        ? []
        : [`RUN npm install --prefix ${MANAGER} ${packageSpec}`, `ENV PATH=${MANAGER_BIN}:$PATH`]),
      ...(installsAlone
        ? [`COPY package.json ${lockFile} /build/`, install, 'COPY . /build/']
        : ['COPY . /build/', install]),
      ...(hasBuild ? [`RUN ${tool.build}`] : []),
      ...(prunes ? [`RUN ${tool.prune(isLocked)}`] : []),
      `RUN rm -rf ${[...LOGIN_FILES, filesPrefix].join(' ')}`,
    ],
    finish: () => [
      'COPY --from=builder --chown=appuser:appgroup /build/ /app/',
      ...(packageSpec === undefined ? [] : [`COPY --from=builder ${MANAGER} ${MANAGER}`]),
      `ENV NODE_ENV=production \\
    PATH=/app/node_modules/.bin:${packageSpec === undefined ? '' : `${MANAGER_BIN}:`}$PATH \\
    NPM_CONFIG_UPDATE_NOTIFIER=false`,
    ],
    entrypoint: ({ entrypointArguments }) => [...command, ...entrypointArguments],
  };
}
