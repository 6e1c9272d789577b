import { createServer, type Socket } from 'node:net';
import type { Logger } from '../platform/index.ts';
import { type Decision, decisionOf } from './decision.ts';
import { type EgressRules, policyOfRules } from './rules.ts';
import { type ServeOptions, serveClient } from './serve-client.ts';

const MAX_CONNECTIONS = 512;

export interface EgressProxy extends AsyncDisposable {
  readonly port: number;
}

interface EgressOptions extends Pick<ServeOptions, 'through' | 'resolve'> {
  readonly rules: EgressRules;
  /** Why a host that the rules do not grant is refused, behind its name; by the permission profile unless given. */
  readonly refusal?: string | undefined;
  /** Denied requests are warnings of it, with host and port. */
  readonly logger: Logger;
  /** Called for each request that was judged. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
  /** A listening socket to accept on; without it one is opened on a free port of 127.0.0.1. */
  readonly listeningFd?: number;
}

/**
 * The way out for a process that has no network of its own: an HTTP proxy that connects to granted hosts and ports only.
 * TLS goes through untouched, by CONNECT; what is denied is answered with 403.
 */
export async function openEgressProxy(options: EgressOptions): Promise<EgressProxy> {
  const { logger, listeningFd } = options;
  const serving = servingOf(options);
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (clients.size >= MAX_CONNECTIONS) {
      client.destroy();
      return;
    }
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    serveClient(client, serving).catch((error: unknown) => {
      logger.debug('egress connection failed', { error });
      client.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listeningFd === undefined ? { host: '127.0.0.1', port: 0 } : { fd: listeningFd }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.destroy();
      await Promise.race([closed, Bun.sleep(1000)]);
    },
  };
}

function servingOf({
  rules,
  refusal,
  logger,
  through,
  resolve,
  onDecision: tell,
}: EgressOptions): ServeOptions {
  return {
    policy: policyOfRules(rules, refusal),
    through,
    resolve,
    onDecision({ host, port, protocol, verdict }) {
      if (!verdict.granted) logger.warn(`denied connection: ${verdict.rule}`, { host, port });
      tell?.(decisionOf({ host, port, protocol }, verdict));
    },
    onFailure: (failure) => logger.debug('egress connection failed', { ...failure }),
  };
}
