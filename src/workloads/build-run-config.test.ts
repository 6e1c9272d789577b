import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import { silentLogger } from '../platform/index.ts';
import { formatRunConfig, parseRunConfig } from '../records/run-config.ts';
import { parseNewWorkloadName } from '../records/workload-name.ts';
import { buildRunConfig } from './build-run-config.ts';
import type { RunPlan } from './plan-run.ts';
import type { RunRequest } from './types.ts';

const REQUEST: RunRequest = {
  source: 'img',
  serverArguments: [],
  name: undefined,
  group: 'default',
  transport: 'streamable-http',
  proxyMode: 'sse',
  proxyPort: 0,
  host: '127.0.0.1',
  targetPort: 0,
  targetHost: '127.0.0.1',
  environment: [],
  environmentFile: undefined,
  environmentFolder: undefined,
  secrets: [],
  labels: [],
  volumes: [],
  publish: [],
  permissionProfile: undefined,
  networkMode: '',
  tools: [],
  toolsOverrideFile: undefined,
  allowedOrigins: [],
  trustProxyHeaders: false,
  strictProtocolValidation: false,
  stateless: false,
  sessionTtlMs: 0,
  endpointPrefix: '',
  caCertificate: undefined,
  debug: false,
};

describe('the document of a run', () => {
  const facts = {
    name: parseNewWorkloadName('srv'),
    image: async () => 'img',
    toolsOverride: {},
    countsToolCalls: false,
    fill: async () => ({ environment: {}, secrets: [] }),
    reservedPorts: new Set<number>(),
    logger: silentLogger,
  };
  const planOf = (request: RunRequest): RunPlan => ({
    ...request,
    transport: request.transport ?? 'streamable-http',
    permissions: undefined,
    variables: [],
    origin: {},
  });

  test('stores how the proxy is to behave, with the keys of the reference', async () => {
    const request: RunRequest = {
      ...REQUEST,
      tools: ['x'],
      allowedOrigins: ['http://o'],
      trustProxyHeaders: true,
      strictProtocolValidation: true,
      stateless: true,
      sessionTtlMs: 1_800_000,
      endpointPrefix: '/p',
    };
    const toolsOverride = { a: { name: 'x' } };
    const config = await buildRunConfig(request, { ...facts, plan: planOf(request), toolsOverride });
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

  test('leaves out what was not asked for', async () => {
    const document = JSON.parse(
      formatRunConfig(await buildRunConfig(REQUEST, { ...facts, plan: planOf(REQUEST) })),
    );
    const keys = ['tools_filter', 'tools_override', 'stateless', 'session_ttl', 'strict_protocol_validation'];
    expect(Object.keys(document).filter((key) => keys.includes(key))).toEqual([]);
    expect(document.middleware_configs).toHaveLength(3);
  });

  test('counts tool calls behind the parser where they are counted', async () => {
    const config = await buildRunConfig(REQUEST, { ...facts, plan: planOf(REQUEST), countsToolCalls: true });
    expect(config.middleware_configs).toEqual([
      { type: 'auth', parameters: {} },
      { type: 'mcp-parser', parameters: {} },
      { type: 'usagemetrics', parameters: {} },
      { type: 'recovery', parameters: null },
    ]);
  });

  test('is refused for a stateless stdio server', async () => {
    const request: RunRequest = { ...REQUEST, transport: 'stdio', stateless: true };
    const refused = buildRunConfig(request, { ...facts, plan: planOf(request) });
    await expect(refused).rejects.toThrow(
      'failed to validate run config: --stateless requires streamable-HTTP or SSE transport, got stdio',
    );
  });

  const busy = createServer();
  beforeAll(() => new Promise<void>((resolve) => void busy.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void busy.close());

  test.each<[string, () => Partial<RunRequest>, string]>([
    [
      'an address of IPv6',
      () => ({ host: '::1' }),
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
      'a busy proxy port',
      () => ({ proxyPort: (busy.address() as AddressInfo).port }),
      'failed to validate run config: requested proxy port ',
    ],
  ])('%s is told before an image is made or anybody is asked for values', async (_, change, message) => {
    const request = { ...REQUEST, ...change() };
    const asked: string[] = [];
    const refused = buildRunConfig(request, {
      ...facts,
      plan: planOf(request),
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

  test.each([
    ['container', 'a server with transport streamable-http cannot be reached with network mode "none"'],
    ['process', undefined],
  ] as const)('of an HTTP server without a network, in a %s', async (runtime, refusal) => {
    const request: RunRequest = { ...REQUEST, networkMode: 'none' };
    const built = buildRunConfig(request, { ...facts, runtime, plan: planOf(request) });
    if (refusal !== undefined) await expect(built).rejects.toThrow(refusal);
    else expect((await built).permission_profile?.network?.mode).toBe('none');
  });

  test('has mounts that do not depend on the working folder', async () => {
    const permissions = { read: ['./conf:/conf', '/etc/app', 'volume://v:/v'], write: ['../out:/out'] };
    const plan: RunPlan = { ...planOf(REQUEST), permissions };
    const { permission_profile } = await buildRunConfig(REQUEST, { ...facts, plan });
    expect(permission_profile).toEqual({
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
    const config = await buildRunConfig(
      { ...REQUEST, environment: ['GIVEN=1'], secrets: ['s,target=TOKEN'] },
      {
        ...facts,
        plan,
        fill: async (names) => {
          provided.push([...names]);
          return { environment: { GIVEN: '0', DEFAULT: 'd' }, secrets: ['registry-user-key,target=KEY'] };
        },
      },
    );
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
