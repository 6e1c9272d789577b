import { lookup } from 'node:dns/promises';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { Decision } from './decision.ts';
import { open, readHead } from './open.ts';
import { openThrough } from './parent-proxy.ts';
import { type ProxyRequest, parseProxyRequest } from './request-head.ts';
import { type EgressRules, isGranted, judgeAddress, normalizeHost } from './rules.ts';

const MAX_CONNECTIONS = 512;
const NOT_IN_PROFILE = 'not granted by the permission profile';

export interface EgressProxy extends AsyncDisposable {
  readonly port: number;
}

interface EgressOptions {
  readonly rules: EgressRules;
  /** The proxy that leads to a URL, where this machine needs one; it looks names up itself. */
  readonly through?: (url: URL) => string | undefined;
  /** Why a host that the rules do not grant is refused, behind its name; by the permission profile unless given. */
  readonly refusal?: string | undefined;
  /** Denied requests are warnings of it, with host and port. */
  readonly logger: Logger;
  /** Called for each request that was judged. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
  /** A listening socket to accept on; without it one is opened on a free port of 127.0.0.1. */
  readonly listeningFd?: number;
  /** Addresses of a name; those of this machine's name service unless given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/**
 * The way out for a process that has no network of its own: an HTTP proxy that connects to granted hosts and ports only.
 * TLS goes through untouched, by CONNECT; what is denied is answered with 403.
 */
export async function openEgressProxy(options: EgressOptions): Promise<EgressProxy> {
  const { logger, listeningFd } = options;
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (clients.size >= MAX_CONNECTIONS) {
      client.destroy();
      return;
    }
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    serve(client, options).catch((error: unknown) => {
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

async function serve(
  client: Socket,
  { rules, through, logger, refusal = NOT_IN_PROFILE, onDecision, resolve = lookUp }: EgressOptions,
): Promise<void> {
  const received = await readHead(client);
  if (received === undefined) return void client.destroy();
  const request = parseProxyRequest(received.head);
  if (request === undefined) return answer(client, 400, 'Bad Request', 'this is an HTTP proxy');
  const { host, port } = request;
  const where = { host: normalizeHost(host), port };
  const decide = (rule: Decision['rule']) =>
    onDecision?.({
      at: Date.now(),
      protocol: request.forwardedHead === undefined ? 'connect' : 'http',
      ...where,
      verdict: rule === 'granted' ? 'allowed' : 'refused',
      rule,
    });
  if (!isGranted(rules, host, port)) {
    decide('not-listed');
    logger.warn(`denied connection: ${refusal}`, where);
    return answer(client, 403, 'Forbidden', `${where.host}:${port} is ${refusal}`);
  }
  const proxy = through?.(urlOf(request));
  if (proxy !== undefined) {
    decide('granted');
    return await passThrough(client, received.rest, proxy, request, logger);
  }
  let upstream: Socket | undefined;
  try {
    const found = await resolve(where.host);
    const addresses = found.filter((address) => judgeAddress(rules, where.host, address) === 'allowed');
    if (addresses.length === 0) {
      decide('private-address');
      logger.warn('denied connection: the name leads to this machine or a private network', where);
      return answer(client, 403, 'Forbidden', `${where.host} leads to this machine or a private network`);
    }
    decide('granted');
    upstream = await openOneOf(addresses, port);
  } catch (error) {
    logger.debug('egress connection failed', { ...where, error });
    return answer(client, 502, 'Bad Gateway', messageOf(error));
  }
  join(client, upstream);
  if (request.forwardedHead === undefined) client.write(ESTABLISHED);
  else upstream.write(request.forwardedHead);
  if (received.rest.byteLength > 0) upstream.write(received.rest);
  client.pipe(upstream);
  upstream.pipe(client);
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** By way of another proxy, which looks the name up: what is granted by name is granted wherever the name leads. */
async function passThrough(
  client: Socket,
  rest: Uint8Array,
  proxy: string,
  request: ProxyRequest,
  logger: Logger,
): Promise<void> {
  let upstream: Socket;
  try {
    const { socket, received } = await openThrough(proxy, request);
    upstream = socket;
    join(client, upstream);
    if (request.forwardedHead === undefined) client.write(ESTABLISHED);
    if (received.byteLength > 0) client.write(received);
  } catch (error) {
    logger.debug('egress connection failed', { host: request.host, error });
    return answer(client, 502, 'Bad Gateway', messageOf(error));
  }
  if (rest.byteLength > 0) upstream.write(rest);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** What a client without this proxy would ask for, as far as exceptions from a proxy look at it. */
function urlOf({ host, port, forwardedHead }: ProxyRequest): URL {
  return new URL(`${forwardedHead === undefined ? 'https' : 'http'}://${host}:${port}/`);
}

async function lookUp(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * Connects to the first address that accepts. It takes addresses because a second look-up of the name could give others, and tries
 * all because a name with an IPv6 and an IPv4 address may be served on one of them only. Throws what the last attempt throws.
 */
async function openOneOf([address = '', ...others]: readonly string[], port: number): Promise<Socket> {
  try {
    return await open(address, port);
  } catch (error) {
    if (others.length === 0) throw error;
    return await openOneOf(others, port);
  }
}

/** The end of one is the end of the other. */
function join(client: Socket, upstream: Socket): void {
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const socket of [client, upstream]) {
    socket.on('error', end);
    socket.on('close', end);
    socket.setNoDelay(true);
  }
  if (client.destroyed) end();
}

function answer(client: Socket, status: number, reason: string, detail: string): void {
  const body = `${detail}\n`;
  client.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
