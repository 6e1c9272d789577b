import { writeFileSync } from 'node:fs';
import { type Engine as OwnEngine, openEngine } from '../../src/engine/index.ts';
import { type Engine, engineRequest } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { freePort } from '../harness/ports.ts';
import type { Attempt, Outcome } from './inside.ts';

/** The engine as the program under test talks to it, to prepare what the tests need. */
export function openOwn({ kind, socket }: Engine): Promise<OwnEngine> {
  return openEngine({ wanted: kind, env: { [`TOOLHIVE_${kind.toUpperCase()}_SOCKET`]: socket } });
}

/** Answers 200 to whatever is asked over HTTP on 80 and 8080, and every datagram on 53. */
const ANSWER = `
const http = require('http'), dgram = require('dgram');
for (const port of [80, 8080]) http.createServer((_, response) => response.end('found')).listen(port);
const socket = dgram.createSocket('udp4');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(53);
process.on('SIGTERM', () => process.exit(0));
`;

export interface TestHost extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
}

/** What Podman's networks without a way out need where Docker has set it otherwise; `thv` warns of it. */
function openBridges({ kind }: Engine): void {
  const setting = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  if (kind !== 'podman') return;
  try {
    writeFileSync(setting, '0', { flag: 'r+' });
  } catch {
    // No such setting, or none of ours to change: the tests show whether it is in the way.
  }
}

/** A host of the network that workloads without isolation share, where the sidecars find it by its name. */
export async function openTestHost(own: OwnEngine, engine: Engine, name: string): Promise<TestHost> {
  openBridges(engine);
  const network = 'toolhive-external';
  const labels = { toolhive: 'true', 'toolhive-name': network };
  await own.networks.ensure(network, { labels });
  const { id } = await own.containers.create(name, {
    Image: FIXTURE_IMAGE,
    Entrypoint: ['/bin/node', '-e', ANSWER],
    Cmd: [],
    HostConfig: { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } },
    NetworkingConfig: { EndpointsConfig: { [network]: { NetworkID: network } } },
  });
  await own.containers.start(id);
  const address = (await engine.inspect(name))?.NetworkSettings.Networks[network]?.IPAddress ?? '';
  return { name, address, [Symbol.asyncDispose]: () => engine.remove(name) };
}

/** A service of the machine itself on every address that it has, IPv6 included. */
export function openMachineService(): Disposable & { readonly port: number } {
  const port = freePort();
  const servers = ['0.0.0.0', '::'].map((hostname) =>
    Bun.serve({
      hostname,
      port,
      ipv6Only: hostname === '::',
      fetch: () => new Response('secret of the machine'),
    }),
  );
  return {
    port,
    [Symbol.dispose]() {
      for (const server of servers) void server.stop(true);
    },
  };
}

/** Networks of the engine by exact name. */
export async function networksNamed(
  engine: Engine,
  name: string,
): Promise<readonly { readonly Name: string }[]> {
  const filters = encodeURIComponent(JSON.stringify({ name: [name] }));
  const response = await engineRequest(engine, 'GET', `/networks?filters=${filters}`);
  const found = (await response.json()) as readonly { readonly Name: string }[];
  return found.filter(({ Name }) => Name === name);
}

/** Every address of the machine, those of interfaces that are down included, as a container would have to write it. */
function machineAddresses(): readonly string[] {
  const { stdout } = Bun.spawnSync(['ip', '-o', 'address']);
  const listed = [...stdout.toString().matchAll(/ inet6? ([0-9a-f.:]+)\/\d+/g)];
  return listed
    .map(([, address = '']) => address)
    .filter((address) => address !== '127.0.0.1' && address !== '::1')
    .map((address) => (address.startsWith('fe80') ? `${address}%eth0` : address));
}

/**
 * What nothing isolated may do, whatever its profile says: reach the machine by any of its addresses, the metadata service of a cloud,
 * a host past the proxy, or any name service but its own.
 */
export function forbidden(host: TestHost, machinePort: number): readonly Attempt[] {
  return [
    ...machineAddresses().map((address) => ({ via: 'tcp', host: address, port: machinePort }) as const),
    { via: 'tcp', host: '169.254.169.254', port: 80 },
    { via: 'tcp', host: host.address, port: 80 },
    { via: 'udp', host: host.address, port: 53 },
    { via: 'dns', name: 'data.evil.test' },
    { via: 'dns', name: 'data.evil.test', resolver: host.address },
  ];
}

/** Outcomes of attempts that got somewhere. */
export function successes(
  attempts: readonly Attempt[],
  outcomes: readonly Outcome[],
): readonly (readonly [Attempt | undefined, Outcome])[] {
  const isSuccess = (outcome: Outcome) =>
    outcome === 'connected' || outcome === 'answered' || outcome === 'resolved' || outcome === 200;
  return outcomes.flatMap((outcome, index) =>
    isSuccess(outcome) ? [[attempts[index], outcome] as const] : [],
  );
}
