import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseFlags } from '../cli/parse-flags.ts';
import { messageOf } from '../errors/index.ts';
import { silentLogger } from '../platform/index.ts';
import { parseNewWorkloadName, type RunConfig } from '../records/index.ts';
import { requireApplicable, type Target } from '../workloads/applicable-flags.ts';
import { buildRunConfig } from '../workloads/build-run-config.ts';
import type { Context } from '../workloads/context.ts';
import { buildRemoteConfig } from '../workloads/remote-document.ts';
import { type RunFlag, runFlags } from './run-flags.ts';
import { type RunInvocation, runRequest } from './run-request.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thv-flags-'));
  await writeFile(join(folder, 'env'), 'FROM_FILE=1\n');
  await writeFile(join(folder, 'profile.json'), '{"network":{"outbound":{"allow_host":["a.example"]}}}');
});
afterAll(() => rm(folder, { recursive: true }));

type Kind = 'container' | 'process' | 'remote';
/** `document`: the stored document differs from that of a run without the flag. A text: where its effect is shown instead. */
type Effect = 'document' | 'refused' | { readonly shownBy: string };

const ALL = (effect: Effect) => ({ container: effect, process: effect, remote: effect });
const OWN = { container: 'document', process: 'document', remote: 'refused' } as const;
const BUILT = { container: 'document', process: 'refused', remote: 'refused' } as const;
const PROCESS = { container: 'refused', process: 'document', remote: 'refused' } as const;
const MODE = { shownBy: 'it says how the command goes on: tests/e2e/life-cycle.test.ts' };

/** Every flag of `run`, a value for it, and what it does for each kind of workload. */
const FLAGS: Readonly<Record<RunFlag, readonly [() => readonly string[], Readonly<Record<Kind, Effect>>]>> = {
  name: [
    () => ['other'],
    ALL({ shownBy: 'workloads/prepare-run.ts takes it before anything: tests/e2e/life-cycle.test.ts' }),
  ],
  group: [() => ['mine'], ALL('document')],
  transport: [() => ['sse'], ALL('document')],
  'proxy-mode': [
    () => ['streamable-http'],
    {
      ...OWN,
      remote: { shownBy: 'the mode of a remote server is its transport; another one is refused, see below' },
    },
  ],
  'proxy-port': [
    () => ['0'],
    ALL({ shownBy: 'a free port is asked for: workloads/build-run-config.test.ts' }),
  ],
  host: [() => ['127.0.0.2'], ALL('document')],
  'target-port': [() => ['4321'], OWN],
  'target-host': [() => ['127.0.0.3'], OWN],
  env: [() => ['A=1'], OWN],
  'env-file': [() => [join(folder, 'env')], OWN],
  'env-file-dir': [() => [folder], OWN],
  secret: [() => ['key,target=KEY'], OWN],
  label: [() => ['team=a'], ALL('document')],
  volume: [() => [`${folder}:/data`], OWN],
  'ignore-globally': [() => ['false'], OWN],
  'print-resolved-overlays': [() => ['true'], OWN],
  'permission-profile': [() => ['none'], OWN],
  memory: [() => ['512m'], OWN],
  cpus: [() => ['1'], OWN],
  pids: [() => ['100'], OWN],
  publish: [() => ['8080:80'], BUILT],
  network: [() => ['none'], OWN],
  tools: [() => ['one'], ALL('document')],
  'tools-override': [
    () => [join(folder, 'override.json')],
    ALL({ shownBy: 'tests/middleware/tool-filter.test.ts' }),
  ],
  'allowed-origins': [() => ['https://a.example'], ALL('document')],
  'trust-proxy-headers': [() => ['true'], ALL('document')],
  'strict-protocol-validation': [() => ['true'], ALL('document')],
  stateless: [() => ['true'], ALL('document')],
  'session-ttl': [() => ['5m'], ALL('document')],
  'endpoint-prefix': [() => ['/p'], ALL('document')],
  'remote-forward-headers': [
    () => ['X-A=1'],
    { container: 'refused', process: 'refused', remote: 'document' },
  ],
  'remote-forward-headers-secret': [
    () => ['X-A=key'],
    { container: 'refused', process: 'refused', remote: 'document' },
  ],
  'ca-cert': [() => ['/ca.pem'], { ...BUILT, container: { shownBy: 'tests/build' } }],
  'runtime-image': [() => ['example/base:1'], BUILT],
  'runtime-add-package': [() => ['git'], BUILT],
  'build-with': [() => ['tzdata'], OWN],
  runtime: [() => ['docker'], { ...ALL({ shownBy: 'tests/e2e/processes.test.ts' }), remote: 'refused' }],
  'allow-install-scripts': [() => ['true'], PROCESS],
  'js-runtime': [() => ['bun'], PROCESS],
  'no-sandbox': [() => ['true'], PROCESS],
  'from-config': [() => ['/file'], ALL({ shownBy: 'tests/e2e/export-and-import.test.ts' })],
  foreground: [() => ['true'], ALL(MODE)],
  wait: [() => ['true'], ALL(MODE)],
  'wait-timeout': [() => ['5s'], ALL(MODE)],
};

/** A process of the flag's own language where it has one. */
function targetsOf(kind: Kind, flag: string): Target {
  if (kind === 'remote') return 'remote server';
  if (kind === 'container') return 'built image';
  return flag === 'build-with' ? 'uvx process' : 'npx process';
}

function requestOf(args: readonly string[]) {
  const { values } = parseFlags(args, runFlags);
  const options = Object.fromEntries(
    Object.entries(runFlags).map(([name, { schema }]) => [
      name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
      v.parse(schema as v.GenericSchema, values.get(name)),
    ]),
  ) as unknown as RunInvocation['options'];
  return runRequest({ options, words: ['https://mcp.example.com/mcp'], serverArguments: [], debug: false });
}

/** Ports are chosen anew each time. */
async function documentOf(kind: Kind, flag: string, args: readonly string[]): Promise<Partial<RunConfig>> {
  const own =
    kind === 'remote' || (flag === 'transport' && args.length > 0) ? [] : ['--transport', transportFor(flag)];
  const request = requestOf([...args, ...own]);
  requireApplicable(request, [targetsOf(kind, flag)]);
  const facts = {
    name: parseNewWorkloadName('srv'),
    toolsOverride: {},
    countsToolCalls: false,
    reservedPorts: new Set<number>(),
  };
  if (kind === 'remote') {
    const remote = { url: 'https://mcp.example.com/mcp' };
    const context = { logger: silentLogger } as Context;
    return withoutPorts(
      await buildRemoteConfig(context, request, { ...facts, remote, ownPort: undefined }),
      flag,
    );
  }
  const { readPermissionProfile } = await import('../sandbox/index.ts');
  const config = await buildRunConfig(request, {
    ...facts,
    image: async () => 'img',
    runtime: kind,
    plan: {
      ...request,
      transport: request.transport ?? 'stdio',
      permissions:
        request.permissionProfile === undefined
          ? undefined
          : await readPermissionProfile(request.permissionProfile),
      variables: [],
      origin: {},
    },
    fill: async () => ({ environment: {}, secrets: [] }),
    logger: silentLogger,
  });
  return withoutPorts(config, flag);
}

/** Flags for the port of a server need one that has a port; those for the mode of the proxy one that has none. */
function transportFor(flag: string): string {
  return flag === 'target-port' || flag === 'stateless' ? 'streamable-http' : 'stdio';
}

function withoutPorts(config: RunConfig, flag: string): Partial<RunConfig> {
  const { port: _, env_vars, container_labels, target_port, ...rest } = config;
  const variables = Object.fromEntries(Object.entries(env_vars).filter(([name]) => !/PORT$/.test(name)));
  const labels = Object.fromEntries(Object.entries(container_labels).filter(([name]) => !/port$/.test(name)));
  const wanted = flag === 'target-port' && target_port === 4321 ? { target_port } : {};
  return { ...rest, ...wanted, env_vars: variables, container_labels: labels };
}

test('the table knows every flag of run, and no other', () => {
  expect(Object.keys(FLAGS).sort()).toEqual(Object.keys(runFlags).sort());
});

const CASES = Object.entries(FLAGS).flatMap(([flag, [value, effects]]) =>
  Object.entries(effects).map(([kind, effect]) => [`--${flag}`, kind as Kind, effect, value, flag] as const),
);

describe('no flag is parsed and ignored', () => {
  test.each(CASES.filter(([, , effect]) => effect === 'document'))(
    '%s changes the document of a %s',
    async (label, kind, _, value, flag) => {
      const args = value().map((each) => `${label}=${each}`);
      expect(await documentOf(kind, flag, args)).not.toEqual(await documentOf(kind, flag, []));
    },
  );

  test.each(CASES.filter(([, , effect]) => effect === 'refused'))(
    '%s is refused by its name for a %s',
    async (label, kind, _, value, flag) => {
      const args = value().map((each) => `${label}=${each}`);
      const refused = await documentOf(kind, flag, args).then(
        () => 'accepted',
        (error: unknown) => messageOf(error),
      );
      expect(refused).toStartWith(`${label} does not apply to `);
    },
  );
});

describe('what applies to some servers of a kind only', () => {
  test.each<[string, Target, readonly string[], string]>([
    [
      'an image that is pulled',
      'image',
      ['--runtime-image', 'a', '--ca-cert', '/a'],
      '--ca-cert, --runtime-image do not apply to containers of an image that is not built here',
    ],
    [
      'a container',
      'built image',
      ['--js-runtime', 'node'],
      '--js-runtime does not apply to containers. Hint: add --runtime process to run the package as a process',
    ],
    [
      'an npm package',
      'npx process',
      ['--build-with', 'a'],
      '--build-with does not apply to processes of npx:// packages. Hint: leave out --build-with (runtime_config.build_with)',
    ],
    [
      'a Python package',
      'uvx process',
      ['--js-runtime', 'bun'],
      '--js-runtime does not apply to processes of uvx:// packages. Hint: leave out --js-runtime (js_runtime)',
    ],
    [
      'a Go package',
      'go process',
      ['--runtime-add-package', 'git'],
      '--runtime-add-package does not apply to processes. Hint: leave out --runtime-add-package (runtime_config.additional_packages), or add --runtime docker to run it in a container',
    ],
    [
      'a folder of Python',
      'folder process',
      ['--build-with', 'a', '--js-runtime', 'node'],
      '--build-with, --js-runtime do not apply to processes of local folders',
    ],
    [
      'a remote server of transport sse',
      'remote server',
      ['--transport', 'sse', '--proxy-mode', 'streamable-http'],
      '--proxy-mode does not apply to remote servers, for which nothing is run here',
    ],
  ])('%s', (_, target, args, text) => {
    const judge = () => requireApplicable(requestOf(args), [target]);
    expect(judge).toThrow(text);
  });

  test('auto is what nobody asked for, and applies to all', () => {
    const request = requestOf(['--js-runtime', 'auto', '--runtime', 'auto']);
    for (const target of ['image', 'built image', 'uvx process', 'remote server'] as const)
      expect(() => requireApplicable(request, [target])).not.toThrow();
  });

  test('what an edit is sent back as it is stays', () => {
    const present = {
      target_port: 99,
      js_runtime: 'node',
      runtime_config: { build_with: ['a'] },
    } as unknown as RunConfig;
    const sentBack = requestOf(['--target-port', '99', '--js-runtime', 'node', '--build-with', 'a']);
    expect(() => requireApplicable(sentBack, ['remote server'], present)).not.toThrow();
    expect(() => requireApplicable(sentBack, ['remote server'])).toThrow(
      '--target-port, --build-with, --js-runtime',
    );
  });
});
