import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { runInProcess, workload } from '../../tests/cli/in-process.ts';
import { requirePackageReference } from '../build/index.ts';
import { parseFlags } from '../cli/parse-flags.ts';
import type { Engine } from '../engine/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { findFreePort, silentLogger } from '../platform/index.ts';
import { parseNewWorkloadName, type RunConfig } from '../records/index.ts';
import { imageOf } from '../runtimes/container/obtain-image.ts';
import { createRuntimes, KINDS } from '../runtimes/index.ts';
import { requireApplicable, requireFitting } from '../workloads/applicable-flags.ts';
import { buildRemoteConfig, buildRunConfig } from '../workloads/build-run-config.ts';
import type { Context } from '../workloads/context.ts';
import type { Target } from '../workloads/flag-rules.ts';
import { findSurroundings, type Surroundings } from '../workloads/resolve-proxy.ts';
import { resolveRemote } from '../workloads/resolve-remote.ts';
import { permissionsOf, resolveServer } from '../workloads/resolve-server.ts';
import type { RunRequest } from '../workloads/run-request.ts';
import { openRuntime } from '../workloads/runtime.ts';
import { askedOf, findSubject } from '../workloads/subject.ts';
import { type RunFlag, runFlags } from './run-flags.ts';
import { type RunInvocation, runRequest } from './run-request.ts';

let folder: string;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thv-flags-'));
  port = await findFreePort(new Set());
  await writeFile(join(folder, 'env'), 'FROM_FILE=1\n');
  await writeFile(join(folder, 'profile.json'), '{"network":{"outbound":{"allow_host":["a.example"]}}}');
  const policies = ['permit(principal, action, resource);'];
  await writeFile(
    join(folder, 'policies.json'),
    JSON.stringify({ version: '1.0', type: 'cedarv1', cedar: { policies } }),
  );
  await writeFile(
    join(folder, 'webhooks.yaml'),
    'validating: [{ name: a, url: https://hook.example/, failure_policy: fail, timeout: 5s }]\n',
  );
  await writeFile(join(folder, 'secret'), 'sesame\n');
  await writeFile(join(folder, 'audit.json'), '{"maxDataSize":10}');
  await writeFile(join(folder, 'override.json'), '{"toolsOverride":{"own":{"name":"shown"}}}');
});
afterAll(() => rm(folder, { recursive: true }));

type Kind = 'container' | 'process' | 'remote';
/**
 * `document`: the stored document differs from that of a run without the flag. `build`: the image is built another way. `runtime`:
 * something else runs the server. `command`: it says how the command goes on. Each has its own check below.
 */
type Effect = 'document' | 'refused' | 'build' | 'runtime' | 'command';

const ALL = (effect: Effect) => ({ container: effect, process: effect, remote: effect });
const OWN = { container: 'document', process: 'document', remote: 'refused' } as const;
const BUILT = { container: 'document', process: 'refused', remote: 'refused' } as const;
const PROCESS = { container: 'refused', process: 'document', remote: 'refused' } as const;
const STS = 'https://sts.example/token';
/** Every flag of `run`, a value for it, and what it does for each kind of workload. */
const FLAGS: Readonly<Record<RunFlag, readonly [() => readonly string[], Readonly<Record<Kind, Effect>>]>> = {
  name: [() => ['other'], ALL('document')],
  group: [() => ['mine'], ALL('document')],
  transport: [() => ['sse'], ALL('document')],
  'proxy-mode': [() => ['streamable-http'], OWN],
  'proxy-port': [() => [String(port)], ALL('document')],
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
  'isolate-network': [() => ['true'], OWN],
  'allow-docker-gateway': [() => ['true'], BUILT],
  tools: [() => ['one'], ALL('document')],
  'authz-config': [() => [join(folder, 'policies.json')], ALL('document')],
  locked: [() => ['true'], ALL('document')],
  'tools-override': [() => [join(folder, 'override.json')], ALL('document')],
  'audit-config': [() => [join(folder, 'audit.json')], ALL('document')],
  'enable-audit': [() => ['true'], ALL('document')],
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
  'oidc-issuer': [() => ['https://idp.example'], ALL('document')],
  'oidc-audience': [() => ['mcp'], ALL('document')],
  'oidc-jwks-url': [() => ['https://idp.example/keys'], ALL('document')],
  'oidc-introspection-url': [() => ['https://idp.example/introspect'], ALL('document')],
  'oidc-client-id': [() => ['me'], ALL('document')],
  'oidc-client-secret': [() => ['s'], ALL('document')],
  'oidc-scopes': [() => ['a,b'], ALL('document')],
  'thv-ca-bundle': [() => ['/ca.pem'], ALL('document')],
  'jwks-auth-token-file': [() => ['/token'], ALL('document')],
  'jwks-allow-private-ip': [() => ['true'], ALL('document')],
  'oidc-insecure-allow-http': [() => ['true'], ALL('document')],
  'resource-url': [() => ['https://mcp.example'], ALL('document')],
  'require-token': [() => ['true'], ALL('document')],
  'forward-authorization': [() => ['true'], { container: 'refused', process: 'refused', remote: 'document' }],
  'image-verification': [() => ['enabled'], BUILT],
  'ca-cert': [() => ['/nowhere/ca.pem'], { ...BUILT, container: 'build' }],
  'runtime-image': [() => ['example/base:1'], BUILT],
  'runtime-add-package': [() => ['git'], BUILT],
  'build-with': [() => ['tzdata'], OWN],
  runtime: [() => ['docker'], { ...ALL('runtime'), remote: 'refused' }],
  'allow-install-scripts': [() => ['true'], PROCESS],
  'learn-permissions': [() => [join(folder, 'learned.json')], OWN],
  'js-runtime': [() => ['bun'], PROCESS],
  'no-sandbox': [() => ['true'], PROCESS],
  'webhook-config': [() => [join(folder, 'webhooks.yaml')], ALL('document')],
  'token-exchange-url': [() => [STS], ALL('document')],
  'token-exchange-client-id': [() => ['id'], ALL('document')],
  'token-exchange-client-secret': [() => ['sesame'], ALL('document')],
  'token-exchange-client-secret-file': [() => [join(folder, 'secret')], ALL('document')],
  'token-exchange-audience': [() => ['server'], ALL('document')],
  'token-exchange-scopes': [() => ['read'], ALL('document')],
  'token-exchange-subject-token-type': [() => ['id_token'], ALL('document')],
  'token-exchange-header-name': [() => ['X-Token'], ALL('document')],
  'from-config': [() => ['/file'], ALL('command')],
  foreground: [() => ['true'], ALL('command')],
  wait: [() => ['true'], ALL('command')],
  'wait-timeout': [() => ['5s'], ALL('command')],
};

/** A process of the flag's own language where it has one. */
function targetsOf(kind: Kind, flag: string): Target {
  if (kind === 'remote') return 'remote server';
  if (kind === 'container') return 'built image';
  return flag === 'build-with' ? 'uvx process' : 'npx process';
}

const REMOTE = 'https://mcp.example.com/mcp';
const PACKAGE = 'npx://example@1.0.0';

function requestOf(source: string, args: readonly string[]): RunRequest {
  const { values } = parseFlags(args, runFlags);
  const options = Object.fromEntries(
    Object.entries(runFlags).map(([name, { schema }]) => [
      name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
      v.parse(schema as v.GenericSchema, values.get(name)),
    ]),
  ) as unknown as RunInvocation['options'];
  return runRequest({ options, words: [source], serverArguments: [], debug: false, env: {} });
}

/** What is asked of a server that is not a URL. */
function askedWith(args: readonly string[]) {
  const request = requestOf(PACKAGE, args);
  return askedOf(request, serverIn(request));
}

function serverIn({ target }: RunRequest) {
  if (target.kind !== 'word') throw new Error('a URL');
  return target.server;
}

/** What opens and asks for engines, packages and images. */
function services() {
  const folders = { config: folder, home: folder, state: folder, cache: folder, data: folder };
  return {
    wanted: '',
    env: {},
    shell: {},
    paths: folders as unknown as Context['paths'],
    logger: silentLogger,
  };
}

/** Containers are opened as `open` has it. */
function withEngine(open: () => Promise<void>): Partial<Context> {
  const containers = (given: Parameters<typeof KINDS.container>[0]) => ({ ...KINDS.container(given), open });
  return { runtimes: createRuntimes(services(), { ...KINDS, container: containers }) };
}

/** Nothing is stored, and nobody says anything in a configuration. */
function contextOf(more: Partial<Context> = {}): Context {
  const nothing = {
    env: {},
    usualRuntime: '',
    paths: { config: folder, home: folder },
    logger: silentLogger,
    runConfigs: { names: async () => [] },
    config: async () => ({ read: async () => ({}) }),
  };
  return { ...(nothing as unknown as Context), ...more };
}

async function documentOf(kind: Kind, flag: string, args: readonly string[]): Promise<Partial<RunConfig>> {
  const needed = /^token-exchange-(?!url)/.test(flag) ? ['--token-exchange-url', STS] : [];
  const given =
    flag === 'transport' && args.length > 0
      ? args
      : [...needed, ...args, '--transport', transportFor(kind, flag)];
  const request = requestOf(kind === 'remote' ? REMOTE : PACKAGE, given);
  const context = contextOf();
  const name = parseNewWorkloadName(request.name ?? 'srv');
  const surroundings = await findSurroundings(context, request.proxy, { name, ownPort: undefined });
  const config =
    kind === 'remote'
      ? await remoteDocument(context, request, surroundings)
      : await serverDocument(kind, flag, request, surroundings);
  return withoutPorts(config, flag);
}

async function remoteDocument(
  context: Context,
  request: RunRequest,
  surroundings: Surroundings,
): Promise<RunConfig> {
  const subject = await findSubject(context, request, {});
  if (subject.kind !== 'remote') throw new Error('a server that is run here');
  return buildRemoteConfig(
    request,
    subject,
    await resolveRemote(context, request, subject, { surroundings }),
  );
}

async function serverDocument(
  runsAs: 'container' | 'process',
  flag: string,
  request: RunRequest,
  surroundings: Surroundings,
): Promise<RunConfig> {
  const server = serverIn(request);
  requireApplicable(askedOf(request, server), [targetsOf(runsAs, flag)]);
  const resolved = await resolveServer(request, server, {
    surroundings,
    runtime: createRuntimes(services()).named(runsAs) ?? createRuntimes(services()).usual,
    plan: {
      transport: request.transport ?? 'stdio',
      proxyPort: 0,
      targetPort: server.targetPort,
      permissions: await permissionsOf(server.permissions),
      serverArguments: [],
      stateless: request.proxy.stateless,
      variables: [],
      origin: {},
    },
    image: async () => 'img',
    fill: async () => ({ environment: {}, secrets: [] }),
    logger: silentLogger,
  });
  return buildRunConfig(request, server, resolved);
}

/** Flags for the port of a server need one that has a port; those for the mode of the proxy one that has none. */
function transportFor(kind: Kind, flag: string): string {
  if (kind === 'remote') return flag === 'transport' ? 'streamable-http' : 'sse';
  return /^target-|^stateless$|^token-exchange-/.test(flag) ? 'streamable-http' : 'stdio';
}

/** Ports are chosen anew each time, except those that are asked for. */
function withoutPorts(config: RunConfig, flag: string): Partial<RunConfig> {
  const { port: chosen, env_vars, container_labels, target_port, ...rest } = config;
  const variables = Object.fromEntries(Object.entries(env_vars).filter(([name]) => !/PORT$/.test(name)));
  const labels = Object.fromEntries(Object.entries(container_labels).filter(([name]) => !/port$/.test(name)));
  const wanted = {
    ...(flag === 'target-port' && target_port === 4321 ? { target_port } : {}),
    ...(flag === 'proxy-port' && chosen === port ? { port } : {}),
  };
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

describe('flags that show elsewhere than in the document', () => {
  const rowsOf = (effect: Effect) =>
    CASES.filter(([, , each]) => each === effect).map(([label, kind]) => `${label} ${kind}`);

  test('--ca-cert is what an image is built with', async () => {
    expect(rowsOf('build')).toEqual(['--ca-cert container']);
    const { caCertificate } = serverIn(requestOf(PACKAGE, ['--ca-cert', '/nowhere/ca.pem']));
    const source = { kind: 'package', reference: requirePackageReference(PACKAGE) } as const;
    const options = { progress: { line() {}, update() {}, output() {}, revealOutput() {} } };
    const built = imageOf(
      services(),
      {} as Engine,
      { source, packageName: PACKAGE, caCertificate, settings: {} },
      options,
    );
    await expect(built).rejects.toThrow('/nowhere/ca.pem');
  });

  test('--runtime decides what runs a package, over what there is and over TOOLHIVE_RUNTIME', async () => {
    expect(rowsOf('runtime')).toEqual(['--runtime container', '--runtime process']);
    const engine = withEngine(async () => {});
    const none = withEngine(() => Promise.reject(new ThvError('ERR_ENGINE_UNAVAILABLE', { reason: 'none' })));
    const kindOf = async (args: readonly string[], more: Partial<Context>) => {
      const settings = { ...serverIn(requestOf(PACKAGE, args)), source: PACKAGE };
      return openRuntime(contextOf(more), settings, {}).then(
        ({ kind }) => kind,
        ({ code }: ThvError) => code,
      );
    };
    expect(await kindOf([], { ...engine })).toBe('container');
    expect(await kindOf([], { ...none })).toBe('process');
    expect(await kindOf([], { ...engine, usualRuntime: 'process' })).toBe('process');
    expect(await kindOf(['--runtime', 'process'], { ...engine })).toBe('process');
    expect(await kindOf(['--runtime', 'docker'], { ...none })).toBe('ERR_ENGINE_UNAVAILABLE');
    expect(await kindOf(['--runtime', 'auto'], { ...engine, usualRuntime: 'process' })).toBe('container');
  });

  const outcome = { name: 'a', url: 'http://127.0.0.1:14001/sse#a', port: 14_001 };

  test('flags that say how the command goes on are checked below', () => {
    expect([...new Set(rowsOf('command').map((row) => row.split(' ')[0]))]).toEqual([
      '--from-config',
      '--foreground',
      '--wait',
      '--wait-timeout',
    ]);
  });

  test('--from-config runs the document of that file', async () => {
    const asked: unknown[] = [];
    const run = async (request: unknown) => {
      asked.push(request);
      return outcome;
    };
    expect((await runInProcess(['run', '--from-config', '/file'], { workloads: { run } })).exit).toBe(0);
    expect(asked).toEqual([{ configFile: '/file', debug: false }]);
  });

  test('--foreground stays until the workload ends', async () => {
    let foreground = 0;
    const runForeground = async () => void foreground++;
    expect((await runInProcess(['run', 'img', '--foreground'], { workloads: { runForeground } })).exit).toBe(
      0,
    );
    expect(foreground).toBe(1);
  });

  test('--wait returns when it runs, --wait-timeout ends the waiting', async () => {
    const run = async () => outcome;
    const states = ['starting', 'running'] as const;
    let seen = 0;
    const get = async () => workload('a', { status: states[seen++] ?? 'running' });
    expect((await runInProcess(['run', 'img', '--wait'], { workloads: { run, get } })).exit).toBe(0);
    expect(seen).toBe(2);
    const starting = async () => workload('a', { status: 'starting' });
    const { exit, stderr } = await runInProcess(['run', 'img', '--wait', '--wait-timeout', '1ms'], {
      workloads: { run, get: starting },
    });
    expect([exit, stderr]).toEqual([1, expect.stringContaining('is not running after 1ms')]);
  });
});

describe('flags that mean nothing beside others', () => {
  test.each<[readonly string[], 'stdio' | 'sse' | 'streamable-http', string | undefined]>([
    [
      ['--no-sandbox', '-v', '/tmp:/data', '--network', 'none'],
      'stdio',
      '--volume, --network do not apply to processes without a sandbox. Hint: leave out --volume and --network, or --no-sandbox',
    ],
    [
      ['--no-sandbox', '--permission-profile', 'none'],
      'stdio',
      '--permission-profile does not apply to processes without a sandbox. Hint: leave out --permission-profile, or --no-sandbox',
    ],
    [
      ['--no-sandbox', '--ignore-globally=false', '--print-resolved-overlays'],
      'stdio',
      '--ignore-globally, --print-resolved-overlays do not apply to processes without a sandbox',
    ],
    [
      ['--target-port', '80', '--target-host', '127.0.0.2'],
      'stdio',
      '--target-port, --target-host do not apply to servers of transport stdio, which have no port',
    ],
    [
      ['--proxy-mode', 'streamable-http'],
      'sse',
      '--proxy-mode does not apply to servers of transport sse, which are proxied as they are',
    ],
    [['--proxy-mode', 'streamable-http'], 'streamable-http', undefined],
    [['--proxy-mode', 'streamable-http'], 'stdio', undefined],
    [['--target-port', '80', '--target-host', '127.0.0.2'], 'sse', undefined],
    [['-v', '/tmp:/data', '--network', 'none', '--permission-profile', 'none'], 'stdio', undefined],
    [['--no-sandbox', '--memory', '512m', '-e', 'A=1'], 'stdio', undefined],
  ])('%j with transport %s', (args, transport, text) => {
    const judge = () => requireFitting(askedWith(args), transport);
    if (text === undefined) expect(judge).not.toThrow();
    else expect(judge).toThrow(text);
  });

  test('what an edit is sent back as it is stays', () => {
    const present = { target_port: 80, volumes: ['/tmp:/data'] } as unknown as RunConfig;
    const sentBack = askedWith(['--target-port', '80', '--no-sandbox', '-v', '/tmp:/data']);
    expect(() => requireFitting(sentBack, 'stdio', present)).not.toThrow();
    expect(() => requireFitting(sentBack, 'stdio')).toThrow('--volume');
  });
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
    const judge = () => requireApplicable(askedWith(args), [target]);
    expect(judge).toThrow(text);
  });

  test('auto is what nobody asked for, and applies to all', () => {
    const request = askedWith(['--js-runtime', 'auto', '--runtime', 'auto']);
    for (const target of ['image', 'built image', 'uvx process', 'remote server'] as const)
      expect(() => requireApplicable(request, [target])).not.toThrow();
  });

  test('what an edit is sent back as it is stays', () => {
    const present = {
      target_port: 99,
      js_runtime: 'node',
      runtime_config: { build_with: ['a'] },
    } as unknown as RunConfig;
    const sentBack = askedWith(['--target-port', '99', '--js-runtime', 'node', '--build-with', 'a']);
    expect(() => requireApplicable(sentBack, ['remote server'], present)).not.toThrow();
    expect(() => requireApplicable(sentBack, ['remote server'])).toThrow(
      '--target-port, --build-with, --js-runtime',
    );
  });
});
