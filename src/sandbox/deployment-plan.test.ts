import { expect, test } from 'bun:test';
import { silentLogger } from '../platform/index.ts';
import { parseRunConfig } from '../records/index.ts';
import { containerSpec } from './container-spec.ts';
import { type Isolation, planDeployment } from './deployment-plan.ts';
import { addressesIn } from './isolation/addresses.ts';
import type { PlannedContainer } from './planned.ts';

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
        networks: [{ network: 'toolhive-external' }],
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
  const joined = networks.map((network) => ({ network }));
  expect(planned.containers.map((container) => [container.networks, container.networkMode])).toEqual([
    [joined, mode],
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

const addresses = addressesIn('198.19.0.0/28');
const isolated = (document: object, isolation: Isolation, environment = {}) =>
  planDeployment(
    parseRunConfig(
      JSON.stringify({ image: 'example/server:1', name: 'x', isolate_network: true, ...document }),
    ),
    { hostPort: undefined, environment, isolation, logger: silentLogger },
  );

test('an isolated server joins only its own network, and finds what stands in between at fixed addresses', () => {
  const document = {
    transport: 'sse',
    target_port: 80,
    publish: ['9000:9000'],
    env_vars: { HTTP_PROXY: 'http://mine:1' },
  };
  const { networks, containers } = isolated(document, { by: 'sidecar', addresses });
  expect(networks).toEqual([
    {
      name: 'toolhive-x-internal',
      sealedSubnet: '198.19.0.0/28',
      labels: { toolhive: 'true', 'toolhive-name': 'toolhive-x-internal' },
    },
  ]);
  const [server, ...more] = containers;
  expect(more).toEqual([]);
  expect(server).toMatchObject({
    networks: [{ network: 'toolhive-x-internal', address: '198.19.0.3' }],
    names: { server: '198.19.0.2', known: { 'x-egress': '198.19.0.2' } },
    ports: [],
    labels: { 'toolhive-network-isolation': 'true' },
    environment: {
      HTTP_PROXY: 'http://x-egress:3128',
      HTTPS_PROXY: 'http://x-egress:3128',
      http_proxy: 'http://x-egress:3128',
      https_proxy: 'http://x-egress:3128',
      NO_PROXY: 'localhost,127.0.0.1,::1',
      no_proxy: 'localhost,127.0.0.1,::1',
    },
  });
  expect(containerSpec(server as PlannedContainer)).toMatchObject({
    HostConfig: {
      Dns: ['198.19.0.2'],
      ExtraHosts: ['x-egress:198.19.0.2'],
      Sysctls: { 'net.ipv6.conf.all.disable_ipv6': '1' },
      PortBindings: {},
    },
    NetworkingConfig: {
      EndpointsConfig: {
        'toolhive-x-internal': {
          NetworkID: 'toolhive-x-internal',
          IPAMConfig: { IPv4Address: '198.19.0.3' },
        },
      },
    },
  });
});

test.each([
  ['stdio', undefined, ['x-dns', 'x-egress', 'x']],
  ['sse', 14_001, ['x-dns', 'x-egress', 'x', 'x-ingress']],
])('the reference’s topology for a server of transport %s', (transport, ingressPort, names) => {
  const files = { egress: '/s/egress.conf', ingress: '/s/ingress.conf', dns: '/s/dns.conf' };
  const images = { squid: 'squid:1', dns: 'dns:1' };
  const squid: Isolation = { by: 'squid', addresses, files, images, ingressPort };
  const planned = isolated({ transport, target_port: transport === 'stdio' ? 0 : 80 }, squid);
  expect(planned.networks.map(({ name }) => name)).toEqual(['toolhive-external', 'toolhive-x-internal']);
  expect(planned.containers.map(({ name }) => name)).toEqual(names);
  expect(planned.containers.map(({ role }) => role === 'server')).toEqual(names.map((name) => name === 'x'));
  const [dns, egress, server, ingress] = planned.containers;
  expect(server?.names).toEqual({ server: '198.19.0.4', known: { 'x-egress': '198.19.0.2' } });
  expect(egress).toMatchObject({
    image: 'squid:1',
    labels: {
      toolhive: 'true',
      'toolhive-name': 'x-egress',
      'toolhive-basename': 'x-egress',
      'toolhive-transport': 'stdio',
      'toolhive-port': '80',
      'toolhive-auxiliary-workload': 'true',
    },
    interactive: transport === 'stdio',
    networkMode: 'bridge',
    networks: [{ network: 'toolhive-external' }, { network: 'toolhive-x-internal', address: '198.19.0.2' }],
    mounts: [{ source: '/s/egress.conf', target: '/etc/squid/squid.conf', readOnly: true }],
    capabilities: ['CAP_SETUID', 'CAP_SETGID'],
  });
  expect(dns?.mounts).toEqual([
    { type: 'bind', source: '/s/dns.conf', target: '/etc/dnsmasq.conf', readOnly: true },
  ]);
  if (ingressPort !== undefined)
    expect(ingress?.ports).toEqual([{ containerPort: 14_001, hostAddress: '127.0.0.1', hostPort: 14_001 }]);
});
