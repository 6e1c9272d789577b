import { createServer, type Server, type Socket } from 'node:net';
import { findAddresses, openOneOf, serveClient, splice } from '../egress/index.ts';
import { type Admission, DNS_PORT, PROXY_PORT } from './admission.ts';
import type { DecisionLog } from './decision.ts';
import { nameServer, serveDatagrams } from './dns/serve.ts';
import { policyOf, type WorkloadPolicy } from './policy.ts';
import { isWithin, plainAddress } from './subnet.ts';

/** The most connections of one workload, relays included. */
const MAX_CONNECTIONS = 2048;
/** An address of a network that was joined a moment ago may not be usable yet. */
const BIND_ATTEMPTS = 40;
const BIND_RETRY_MS = 50;

/** An admitted workload: everything that listens for it, on the sidecar's address in its network and nowhere else. */
export interface Workload extends AsyncDisposable {
  readonly admission: Admission;
  readonly log: DecisionLog;
  /**
   * Takes what differs at most in the machine's addresses, which come and go, without closing a connection. `false` for anything
   * else: then all of it is opened again.
   */
  update(admission: Admission): boolean;
}

interface Services {
  admission: Admission;
  policy: WorkloadPolicy;
  readonly log: DecisionLog;
  readonly clients: Set<Socket>;
}

/** Throws when a port cannot be listened on; nothing listens then. */
export async function openWorkload(
  admission: Admission,
  networks: () => Iterable<Admission>,
  log: DecisionLog,
): Promise<Workload> {
  const services: Services = {
    admission,
    policy: policyOf(admission, networks),
    log,
    clients: new Set(),
  };
  await using opened = new AsyncDisposableStack();
  opened.defer(() => {
    for (const client of services.clients) client.destroy();
  });
  const listen = async (port: number, server: Server) =>
    opened.use(await patiently(() => listenOn(server, admission.address, port)));
  await listen(PROXY_PORT, serverFor(services, serveProxy));
  await listen(DNS_PORT, nameServer(services));
  opened.use(await patiently(() => serveDatagrams(services)));
  for (const { host, port } of admission.rules.routes)
    await listen(
      port,
      serverFor(services, (client) => relay(client, host, port, services)),
    );
  const stack = opened.move();
  return {
    admission,
    log,
    update(next) {
      if (rulesIn(next) !== rulesIn(admission)) return false;
      services.admission = next;
      services.policy = policyOf(next, networks);
      return true;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A server whose connections come from the workload's own network, in bounded number. */
function serverFor(services: Services, serve: (client: Socket, services: Services) => Promise<void>): Server {
  const { clients, admission } = services;
  return createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    const peer = plainAddress(client.remoteAddress);
    // The kernel takes packets for this address from every network that the sidecar is in.
    if (clients.size >= MAX_CONNECTIONS || !isWithin(peer, admission.address, admission.prefixLength))
      return void client.destroy();
    clients.add(client);
    client.on('close', () => clients.delete(client));
    serve(client, services).catch(() => client.destroy());
  });
}

async function serveProxy(client: Socket, { policy, log }: Services): Promise<void> {
  await serveClient(client, {
    policy,
    resolve: policy.resolve,
    onDecision: ({ verdict, ...asked }) => log.add(asked, verdict),
    onFailure: () => undefined, // the client is told
  });
}

async function relay(client: Socket, host: string, port: number, { policy, log }: Services): Promise<void> {
  const verdict = policy.judgeRequest(host, port);
  const { addresses, refusal } = await findAddresses(host, { policy, resolve: policy.resolve });
  log.add({ host, port, protocol: 'tcp' }, refusal ?? verdict);
  if (refusal !== undefined || !verdict.granted) return void client.destroy();
  splice(client, await openOneOf(addresses, port));
}

function rulesIn(admission: Admission): string {
  return JSON.stringify({ ...admission, machine: [] });
}

async function listenOn(server: Server, host: string, port: number): Promise<AsyncDisposable> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (attempt >= BIND_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, BIND_RETRY_MS));
    }
  }
}
