import { expect, test } from 'bun:test';
import { silentLogger } from '../platform/index.ts';
import { parseRunConfig } from '../records/index.ts';
import { containerSpec } from './container-spec.ts';
import { type PlannedContainer, planDeployment } from './deployment-plan.ts';

const ID = `sha256:${'a'.repeat(64)}`;

const plan = (document: object, hostPort?: number) =>
  planDeployment(
    parseRunConfig(JSON.stringify({ image: 'example/server:1', name: 'x', transport: 'stdio', ...document })),
    { hostPort, environment: { TOKEN: 's' }, logger: silentLogger },
  );

test('a plan is plain data that says what has to be there', () => {
  const document = {
    transport: 'sse',
    target_port: 8080,
    publish: ['9000:9001'],
    cmd_args: ['serve'],
    env_vars: { TOKEN: 'stored', A: '1' },
    container_labels: { toolhive: 'true' },
    permission_profile: { read: ['/srv'], write: ['volume://cache:/cache'], privileged: true },
    resource_limits: { memory: '512m', cpus: 0.5, pids: 0 },
  };
  expect(JSON.parse(JSON.stringify(plan(document, 18_080)))).toEqual({
    networks: [
      {
        name: 'toolhive-external',
        internal: false,
        labels: { toolhive: 'true', 'toolhive-name': 'toolhive-external' },
      },
    ],
    containers: [
      {
        role: 'server',
        name: 'x',
        image: 'example/server:1',
        command: ['serve'],
        environment: {
          TOKEN: 's',
          A: '1',
          MCP_TRANSPORT: 'sse',
          MCP_PORT: '8080',
          FASTMCP_PORT: '8080',
          MCP_HOST: '127.0.0.1',
        },
        labels: { toolhive: 'true', 'toolhive-network-isolation': 'false' },
        interactive: false,
        privileged: true,
        mounts: [
          { type: 'bind', source: '/srv', target: '/srv', readOnly: true },
          { type: 'volume', source: 'cache', target: '/cache', readOnly: false },
        ],
        ports: [
          { containerPort: 9001, hostAddress: '', hostPort: 9000 },
          { containerPort: 8080, hostAddress: '127.0.0.1', hostPort: 18_080 },
        ],
        networkMode: '',
        networks: ['toolhive-external'],
        limits: { memoryBytes: 536_870_912, cpus: 0.5 },
        givenLimits: { memory: '512m', cpus: 0.5, pids: 0 },
      },
    ],
  });
});

test.each([
  ['bridge', ['toolhive-external'], 1],
  ['default', ['toolhive-external'], 1],
  ['none', [], 1],
  ['backend', [], 1],
  ['host', [], 0],
])('network mode %s joins %j and binds %i ports', (mode, networks, ports) => {
  const planned = plan(
    { transport: 'sse', target_port: 80, permission_profile: { network: { mode } } },
    18_080,
  );
  expect(planned.networks.map(({ name }) => name)).toEqual(networks);
  expect(planned.containers.map((container) => [container.networks, container.networkMode])).toEqual([
    [networks, mode],
  ]);
  expect(planned.containers[0]?.ports).toHaveLength(ports);
});

test('a network goes by the id that the engine knows it by', () => {
  const server = plan({}).containers[0] as PlannedContainer;
  const { NetworkingConfig } = containerSpec(server, new Map([['toolhive-external', 'f00']]));
  expect(NetworkingConfig).toEqual({ EndpointsConfig: { f00: { NetworkID: 'f00' } } });
});

const resolved = (reference: string) => ({
  reference,
  digest: ID,
  provenance: { from: 'registry' as const, manifest: ID },
});

test('the image that was resolved is the one that is planned', () => {
  const [server] = plan({ resolved_image: resolved('example/server:1') }).containers;
  expect(server?.image).toEqual(resolved('example/server:1'));
});

test.each([
  ['the document has another image since', resolved('example/server:0')],
  ['its digest is not one', { ...resolved('example/server:1'), digest: 'latest' }],
  ['its form is of a later version', { reference: 'example/server:1', pinned: true }],
])('a resolved image counts as absent where %s', (_, resolved_image) => {
  expect(plan({ resolved_image }).containers[0]?.image).toBe('example/server:1');
});
