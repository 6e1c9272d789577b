import { describe, expect, test } from 'bun:test';
import { nodeFolder } from './dockerfile/node-folder.ts';
import { pythonFolder } from './dockerfile/python-folder.ts';
import type { BuildPlan, Recipe } from './dockerfile/types.ts';
import type { NodeProject, PythonProject } from './folder/types.ts';
import { buildFolderImage, folderWorkloadName } from './folder.ts';

const PLACE = { folder: '/somewhere', name: 'tool' } as const;
const NODE: NodeProject = {
  ...PLACE,
  kind: 'node',
  installer: { tool: 'npm', packageSpec: undefined, lockFile: 'package-lock.json' },
  command: ['node', '/app/index.js'],
  hasBuild: false,
  needsDevelopment: false,
  installsAlone: true,
};
const PYTHON: PythonProject = {
  ...PLACE,
  kind: 'python',
  run: { kind: 'script', script: 'serve', entryPoint: 'a:b' },
  isLocked: true,
  isPackage: true,
  hasSourceFolder: false,
  installsAlone: true,
  image: undefined,
};

const PLAN: BuildPlan = {
  reference: {
    scheme: 'npx',
    text: '',
    package: '',
    name: '',
    extras: [],
    version: undefined,
    isLocal: true,
  },
  runtime: { builderImage: 'x', finalImage: 'x', packages: [], buildWith: [], environment: {} },
  buildEnvironment: {},
  secretEnvironment: [],
  buildArguments: [],
  certificates: new Set(),
  authFiles: new Set(),
  entrypointArguments: ['a b'],
  localTarget: '.',
  filesPrefix: '.thv-build/',
};

/** The commands of the builder stage, the end of it aside, and what is run. */
function stepsOf(recipe: Recipe, buildWith: readonly string[] = []): readonly string[] {
  const plan: BuildPlan = { ...PLAN, runtime: { ...PLAN.runtime, buildWith } };
  const steps = recipe
    .install(plan)
    .map((step) => step.replaceAll('--python "$(command -v python3)"', 'PYTHON'));
  expect(steps.at(-1)).toMatch(/^RUN rm -rf .*\.netrc.* \.thv-build\/$/);
  return [...steps.slice(0, -1), recipe.entrypoint(plan).join('|')];
}

describe('steps for a Node project', () => {
  const manager = (spec: string) => [
    `RUN npm install --prefix /opt/package-manager ${spec}`,
    'ENV PATH=/opt/package-manager/node_modules/.bin:$PATH',
    'COPY . /build/',
  ];
  const made = { hasBuild: true, needsDevelopment: true, installsAlone: false } as const;

  test.each<[string, Partial<NodeProject>, readonly string[]]>([
    [
      'locked',
      {},
      ['COPY package.json package-lock.json /build/', 'RUN npm ci --omit=dev', 'COPY . /build/'],
    ],
    [
      'locked and built',
      { hasBuild: true, needsDevelopment: true },
      [
        'COPY package.json package-lock.json /build/',
        'RUN npm ci --include=dev',
        'COPY . /build/',
        'RUN npm run build',
        'RUN npm prune --omit=dev',
      ],
    ],
    [
      'not locked',
      { installer: { ...NODE.installer, lockFile: undefined }, installsAlone: false },
      ['COPY . /build/', 'RUN npm install --omit=dev'],
    ],
    [
      'pnpm',
      { ...made, installer: { tool: 'pnpm', packageSpec: 'pnpm@10', lockFile: 'pnpm-lock.yaml' } },
      [
        ...manager('pnpm@10'),
        'RUN pnpm install --frozen-lockfile',
        'RUN pnpm run build',
        'RUN pnpm prune --prod --config.ignore-scripts=true',
      ],
    ],
    [
      'Yarn 1',
      { ...made, installer: { tool: 'yarn-classic', packageSpec: 'yarn@1', lockFile: 'yarn.lock' } },
      [
        ...manager('yarn@1'),
        'RUN yarn install --non-interactive --production=false --frozen-lockfile',
        'RUN yarn run build',
        'RUN yarn install --non-interactive --production=true --ignore-scripts --frozen-lockfile',
      ],
    ],
    [
      'Yarn, which cannot leave out packages for development at first',
      {
        installsAlone: false,
        installer: { tool: 'yarn', packageSpec: '@yarnpkg/cli-dist@4', lockFile: 'yarn.lock' },
      },
      [
        ...manager('@yarnpkg/cli-dist@4'),
        'RUN yarn install --immutable',
        'RUN yarn workspaces focus --all --production',
      ],
    ],
    [
      'Bun, not locked',
      { ...made, installer: { tool: 'bun', packageSpec: 'bun@1.2.3', lockFile: undefined } },
      [
        ...manager('bun@1.2.3'),
        'RUN bun install',
        'RUN bun run build',
        'RUN rm -rf node_modules && bun install --production --ignore-scripts',
      ],
    ],
  ])('%s', (_sentence, facts, steps) => {
    expect(stepsOf(nodeFolder({ ...NODE, ...facts }))).toEqual([...steps, 'node|/app/index.js|a b']);
  });
});

describe('steps for a Python project', () => {
  const uv = 'RUN command -v uv >/dev/null || pip install --no-cache-dir uv';
  const sync = 'RUN uv sync --frozen --no-dev --no-editable PYTHON';
  const program = '/opt/venv/bin/serve|a b';

  test.each<[string, Partial<PythonProject>, readonly string[]]>([
    [
      'locked: dependencies before the sources',
      {},
      [
        'COPY pyproject.toml uv.lock /build/',
        `${sync} --no-install-project`,
        'COPY . /build/',
        sync,
        program,
      ],
    ],
    [
      'locked, no package: uv would not install its program',
      { isPackage: false, installsAlone: false },
      ['COPY . /build/', `${sync} --no-install-project`, 'RUN uv pip install --no-deps .', program],
    ],
    [
      'locked, a lone file: nothing of it is installed',
      { run: { kind: 'file', file: 'server.py' } },
      [
        'COPY pyproject.toml uv.lock /build/',
        `${sync} --no-install-project`,
        'COPY . /build/',
        '/opt/venv/bin/python|/app/server.py|a b',
      ],
    ],
    [
      'not locked',
      { isLocked: false },
      ['COPY . /build/', 'RUN uv venv PYTHON /opt/venv', 'RUN uv pip install .', program],
    ],
    [
      'not locked, a module that is no package',
      { isLocked: false, isPackage: false, run: { kind: 'module', module: 'tool' } },
      [
        'COPY . /build/',
        'RUN uv venv PYTHON /opt/venv',
        'RUN uv pip install -r pyproject.toml',
        '/opt/venv/bin/python|-m|tool|a b',
      ],
    ],
  ])('%s', (_sentence, facts, steps) => {
    expect(stepsOf(pythonFolder({ ...PYTHON, ...facts }))).toEqual([uv, ...steps]);
  });

  test('further requirements come last', () => {
    expect(stepsOf(pythonFolder(PYTHON), ['mcp<2', 'x']).at(-2)).toBe("RUN uv pip install 'mcp<2' 'x'");
  });

  test('modules below src are found', () => {
    const finish = (hasSourceFolder: boolean) =>
      pythonFolder({ ...PYTHON, hasSourceFolder })
        .finish(PLAN)
        .at(-1);
    expect(finish(true)).toContain('PYTHONPATH=/app/src');
    expect(finish(false)).not.toContain('PYTHONPATH');
  });
});

test.each([
  ['Tool', 'tool'],
  ['my.tool_1', 'my.tool_1'],
  ['my tool', 'my-tool'],
  ['_x', 'server-x'],
  ['é', 'server'],
  ['', 'server'],
])('the workload of a folder called %j is called %s', (name, expected) => {
  expect(folderWorkloadName({ ...PLACE, kind: 'dockerfile', dockerfile: 'Dockerfile', name }) as string).toBe(
    expected,
  );
});

test('a Dockerfile takes no settings from outside, and says so', async () => {
  const options = {
    override: { builder_image: 'x', additional_packages: ['y'] },
    caCertPath: 'ca.pem',
  } as unknown as Parameters<typeof buildFolderImage>[1]; // refused before anything else is looked at
  await expect(
    buildFolderImage({ ...PLACE, kind: 'dockerfile', dockerfile: 'Dockerfile' }, options),
  ).rejects.toThrow(
    'the folder has a Dockerfile of its own, to which these do not apply: an image to build on, packages to install, a CA certificate',
  );
});
