import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import { createLogger, type Paths, silentLogger } from '../platform/index.ts';
import { formatRunConfig, type PermissionProfile, parseRunConfig } from '../records/run-config.ts';
import { parseNewWorkloadName } from '../records/workload-name.ts';
import { createRuntimes } from '../runtimes/index.ts';
import { buildRunConfig, type ResolvedServer } from './build-run-config.ts';
import type { RunPlan } from './plan-run.ts';
import { resolveServer, type ServerFacts } from './resolve-server.ts';
import {
  type ProxySettings,
  type RunRequest,
  type ServerSettings,
  USUAL_PROXY,
  USUAL_SERVER,
} from './run-request.ts';

const NAME = parseNewWorkloadName('srv');
const runtimes = createRuntimes({
  wanted: '',
  env: {},
  shell: {},
  paths: { state: '/none' } as Paths,
  logger: silentLogger,
});
const PLAN: RunPlan = {
  transport: 'streamable-http',
  proxyPort: 0,
  targetPort: 0,
  permissions: undefined,
  serverArguments: [],
  stateless: false,
  variables: [],
  origin: {},
};
const RESOLVED: ResolvedServer = {
  name: NAME,
  plan: PLAN,
  host: '127.0.0.1',
  port: 14_001,
  targetPort: 8080,
  toolsOverride: {},
  audit: undefined,
  tokenExchange: undefined,
  webhooks: { validating: [], mutating: [] },
  countsToolCalls: false,
  authorization: undefined,
  locksTools: false,
  image: 'img',
  kind: 'container',
  serverArguments: [],
  profile: { name: 'network' },
  isIsolated: false,
  environment: {},
  secrets: [],
};

function requestOf(server: ServerSettings, proxy: Partial<ProxySettings> = {}): RunRequest {
  return {
    target: { kind: 'word', word: 'img', server, remote: { headers: {}, headerSecrets: {} } },
    name: undefined,
    group: 'default',
    transport: undefined,
    labels: {},
    proxy: { ...USUAL_PROXY, ...proxy },
    debug: false,
  };
}

const build = (resolved: Partial<ResolvedServer> = {}, proxy: Partial<ProxySettings> = {}) =>
  buildRunConfig(requestOf(USUAL_SERVER, proxy), USUAL_SERVER, { ...RESOLVED, ...resolved });

describe('the document of a run', () => {
  test('is the same for the same request and what was found for it', () => {
    const server: ServerSettings = {
      ...USUAL_SERVER,
      volumes: [{ source: '/home/me/x', target: '/x', readOnly: true, text: '~/x:/x:ro' }],
      publish: [
        { hostPort: '', containerPort: '80' },
        { hostPort: '8080', containerPort: '81' },
      ],
      limits: { memory: '512m' },
    };
    const environment = Object.freeze({ A: '1' });
    const secrets = [{ name: 'key', target: 'KEY' }];
    const documentOf = () =>
      buildRunConfig({ ...requestOf(server), labels: { team: 'a' } }, server, {
        ...RESOLVED,
        environment,
        secrets,
      });
    expect(documentOf()).toEqual(documentOf());
    expect(documentOf()).toMatchObject({
      volumes: ['~/x:/x:ro'],
      publish: ['80', '8080:81'],
      secrets: ['key,target=KEY'],
      env_vars: { A: '1', MCP_TRANSPORT: 'streamable-http', MCP_PORT: '8080', FASTMCP_PORT: '8080' },
      container_labels: { team: 'a', 'toolhive-port': '14001' },
      resource_limits: { memory: '512m' },
    });
  });

  test('stores how the proxy is to behave, with the keys of the reference', () => {
    const proxy: Partial<ProxySettings> = {
      tools: ['x'],
      allowedOrigins: ['http://o'],
      trustProxyHeaders: true,
      strictProtocolValidation: true,
      sessionTtlMs: 1_800_000,
      endpointPrefix: '/p',
    };
    const config = build({ toolsOverride: { a: { name: 'x' } }, plan: { ...PLAN, stateless: true } }, proxy);
    const written = formatRunConfig(config);
    expect(formatRunConfig(parseRunConfig(written))).toBe(written);
    const parameters = { filter_tools: ['x'], tools_override: { a: { name: 'x', description: '' } } };
    expect(JSON.parse(written)).toMatchObject({
      allowed_origins: ['http://o'],
      trust_proxy_headers: true,
      strict_protocol_validation: true,
      stateless: true,
      session_ttl: '30m0s',
      tools_filter: ['x'],
      tools_override: { a: { name: 'x' } },
      endpoint_prefix: '/p',
      middleware_configs: [
        { type: 'tool-filter', parameters },
        { type: 'tool-call-filter', parameters },
        { type: 'auth', parameters: {} },
        { type: 'mcp-parser', parameters: {} },
        { type: 'recovery', parameters: null },
      ],
    });
  });

  test('holds isolation and the way to the machine under the reference’s keys', () => {
    const server = { ...USUAL_SERVER, allowDockerGateway: true };
    const config = buildRunConfig(requestOf(server), server, { ...RESOLVED, isIsolated: true });
    const written = formatRunConfig(config);
    expect(formatRunConfig(parseRunConfig(written))).toBe(written);
    expect(JSON.parse(written)).toMatchObject({ isolate_network: true, allow_docker_gateway: true });
  });

  test('leaves out what was not asked for', () => {
    const document = JSON.parse(formatRunConfig(build()));
    const keys = [
      'tools_filter',
      'tools_override',
      'stateless',
      'session_ttl',
      'strict_protocol_validation',
      'isolate_network',
      'allow_docker_gateway',
    ];
    expect(Object.keys(document).filter((key) => keys.includes(key))).toEqual([]);
    expect(document.middleware_configs).toHaveLength(3);
  });

  test('counts tool calls behind the parser where they are counted', () => {
    expect(build({ countsToolCalls: true }).middleware_configs).toEqual([
      { type: 'auth', parameters: {} },
      { type: 'mcp-parser', parameters: {} },
      { type: 'usagemetrics', parameters: {} },
      { type: 'recovery', parameters: null },
    ]);
  });
});

describe('what is found for a server', () => {
  const facts: ServerFacts = {
    surroundings: {
      name: NAME,
      toolsOverride: {},
      audit: undefined,
      tokenExchange: undefined,
      webhooks: { validating: [], mutating: [] },
      countsToolCalls: false,
      authorization: undefined,
      locksTools: false,
      reservedPorts: new Set(),
      ownPort: undefined,
    },
    plan: PLAN,
    runtime: runtimes.usual,
    image: async () => 'img',
    fill: async () => ({ environment: {}, secrets: [] }),
    logger: silentLogger,
  };
  const resolve = (
    { proxy, ...server }: Partial<ServerSettings> & { readonly proxy?: Partial<ProxySettings> },
    changed: Partial<ServerFacts> = {},
  ) => {
    const settings = { ...USUAL_SERVER, ...server };
    return resolveServer(requestOf(settings, proxy), settings, { ...facts, ...changed });
  };

  test('is refused for a stateless stdio server', async () => {
    const refused = resolve({ proxy: { stateless: true } }, { plan: { ...PLAN, transport: 'stdio' } });
    await expect(refused).rejects.toThrow(
      'failed to validate run config: --stateless requires streamable-HTTP or SSE transport, got stdio',
    );
  });

  const busy = createServer();
  beforeAll(() => new Promise<void>((resolve) => void busy.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void busy.close());

  test.each<[string, () => Parameters<typeof resolve>[0], string]>([
    [
      'an address of IPv6',
      () => ({ proxy: { host: '::1' } }),
      'invalid host: ::1 (IPv6 addresses are not supported: ::1)',
    ],
    [
      'an env file that is not there',
      () => ({ environmentFile: '/nowhere/.env' }),
      'failed to apply run config option: failed to process env file /nowhere/.env: ',
    ],
    [
      'a network that the server cannot be reached in',
      () => ({ networkMode: 'none' }),
      'failed to validate run config: a server with transport streamable-http cannot be reached with network mode "none"',
    ],
    [
      'isolation beside the network of the machine',
      () => ({ networkMode: 'host', isolation: 'required' }),
      'failed to validate run config: network isolation cannot be enforced with the resolved network mode "host": use a bridge network mode to keep enforced isolation, or pass --isolate-network=false to keep "host" networking',
    ],
    [
      'a published port beside isolation',
      () => ({ isolation: 'required', publish: [{ hostPort: '80', containerPort: '8080' }] }),
      'failed to validate run config: port 80:8080 cannot be published: an isolated server is reached through its proxy only',
    ],
    [
      'a busy proxy port',
      () => ({ proxy: { port: (busy.address() as AddressInfo).port } }),
      'failed to validate run config: requested proxy port ',
    ],
  ])('%s is told before an image is made or anybody is asked for values', async (_, change, message) => {
    const asked: string[] = [];
    const refused = resolve(change(), {
      async fill() {
        asked.push('values');
        return { environment: {}, secrets: [] };
      },
      async image() {
        asked.push('image');
        return 'img';
      },
    });
    await expect(refused).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  test.each<[what: string, profile: PermissionProfile, isolated: boolean, warned: readonly string[]]>([
    ['nothing restricted', { network: { outbound: { insecure_allow_all: true } } }, false, []],
    ['no network at all', { network: { mode: 'none', outbound: {} } }, false, []],
    [
      'a list of hosts',
      { network: { outbound: { allow_host: ['a.example'] } } },
      false,
      ['outbound traffic'],
    ],
    [
      'callers and nothing to reach',
      { network: { outbound: {}, inbound: { allow_host: ['localhost'] } } },
      false,
      ['outbound and inbound traffic'],
    ],
    ['the same, isolated', { network: { outbound: {}, inbound: { allow_host: ['localhost'] } } }, true, []],
    [
      'a privileged server, isolated',
      { privileged: true },
      true,
      ['the container runs privileged', 'network isolation does not hold against a privileged server'],
    ],
  ])('warns of what a profile says and nothing enforces: %s', async (_, permissions, isolated, warned) => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'WARN', write: (line) => void lines.push(line) });
    const plan: RunPlan = { ...PLAN, transport: 'stdio', permissions };
    await resolve({ isolation: isolated ? 'required' : 'none' }, { plan, logger });
    expect(lines).toHaveLength(warned.length);
    for (const [index, part] of warned.entries()) expect(lines[index]).toContain(part);
  });

  test.each([
    ['container', 'a server with transport streamable-http cannot be reached with network mode "none"'],
    ['process', undefined],
  ] as const)('of an HTTP server without a network, in a %s', async (kind, refusal) => {
    const found = resolve({ networkMode: 'none' }, { runtime: runtimes.named(kind) ?? runtimes.usual });
    if (refusal !== undefined) await expect(found).rejects.toThrow(refusal);
    else expect((await found).profile.network?.mode).toBe('none');
  });

  test('has mounts that do not depend on the working folder', async () => {
    const permissions = { read: ['./conf:/conf', '/etc/app', 'volume://v:/v'], write: ['../out:/out'] };
    const { profile } = await resolve({}, { plan: { ...PLAN, permissions } });
    expect(profile).toEqual({
      read: [`${process.cwd()}/conf:/conf`, '/etc/app', 'volume://v:/v'],
      write: [`${dirname(process.cwd())}/out:/out`],
    });
  });

  test('takes from its source what the user did not say, and remembers where it came from', async () => {
    const plan: RunPlan = {
      transport: 'sse',
      proxyPort: 0,
      targetPort: 8123,
      permissions: { name: 'entry', network: { outbound: { insecure_allow_all: true } } },
      serverArguments: ['--read-only'],
      stateless: false,
      variables: [],
      origin: { registry_server_name: 'io.example/srv', registry_url: 'https://r.example.com/r.json' },
    };
    const provided: unknown[] = [];
    const server: ServerSettings = {
      ...USUAL_SERVER,
      environment: { GIVEN: '1' },
      secrets: [{ name: 's', target: 'TOKEN' }],
    };
    const found = await resolve(server, {
      plan,
      fill: async (names) => {
        provided.push([...names]);
        return {
          environment: { GIVEN: '0', DEFAULT: 'd' },
          secrets: [{ name: 'registry-user-key', target: 'KEY' }],
        };
      },
    });
    const config = buildRunConfig(requestOf(server), server, found);
    expect(provided).toEqual([['GIVEN', 'TOKEN']]);
    expect(JSON.parse(formatRunConfig(config))).toMatchObject({
      registry_url: 'https://r.example.com/r.json',
      registry_server_name: 'io.example/srv',
      cmd_args: ['--read-only'],
      transport: 'sse',
      target_port: 8123,
      permission_profile: { name: 'entry' },
      env_vars: { GIVEN: '1', DEFAULT: 'd', MCP_TRANSPORT: 'sse' },
      secrets: ['registry-user-key,target=KEY', 's,target=TOKEN'],
    });
  });
});
