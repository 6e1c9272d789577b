import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import { messageOf } from '../errors/index.ts';
import { open, readHead } from './open.ts';
import { openThrough } from './parent-proxy.ts';
import { type ProxyRequest, parseProxyRequest } from './request-head.ts';
import { type EgressPolicy, normalizeHost, type Verdict } from './rules.ts';

/** What was decided about one request to the proxy. */
interface EgressDecision {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'http' | 'connect';
  readonly verdict: Verdict;
}

export interface ServeOptions {
  readonly policy: EgressPolicy;
  /** Called once for each request that could be read. */
  readonly onDecision: (decision: EgressDecision) => void;
  /** Called when a granted connection does not come about. */
  readonly onFailure: (failure: {
    readonly host: string;
    readonly port: number;
    readonly error: unknown;
  }) => void;
  /** The proxy that leads to a URL, where this machine needs one; it looks names up itself. */
  readonly through?: ((url: URL) => string | undefined) | undefined;
  /** Addresses of a name; those of this machine's name service unless given. */
  readonly resolve?: ((host: string) => Promise<readonly string[]>) | undefined;
}

/** Serves the one request of a client that speaks to an HTTP proxy: CONNECT, or a request in absolute form. */
export async function serveClient(client: Socket, options: ServeOptions): Promise<void> {
  const { policy, through, onDecision } = options;
  const received = await readHead(client);
  if (received === undefined) return void client.destroy();
  const request = parseProxyRequest(received.head);
  if (request === undefined) return answer(client, 400, 'Bad Request', 'this is an HTTP proxy');
  const asked = describe(request);
  const { host, port } = asked;
  const verdict = policy.judgeRequest(request.host, port);
  if (!verdict.granted) {
    onDecision({ ...asked, verdict });
    return answer(client, 403, 'Forbidden', `${host}:${port} is ${verdict.rule}`);
  }
  const proxy = through?.(urlOf(request));
  if (proxy !== undefined) {
    onDecision({ ...asked, verdict });
    return await passThrough(client, received.rest, proxy, request, options);
  }
  const upstream = await connectTo(asked, verdict, options);
  if ('status' in upstream) return answer(client, upstream.status, upstream.reason, upstream.detail);
  splice(client, upstream);
  if (request.forwardedHead === undefined) client.write(ESTABLISHED);
  else upstream.write(request.forwardedHead);
  if (received.rest.byteLength > 0) upstream.write(received.rest);
}

interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
}

/** A connection to a host that is granted by name, if one of its addresses is granted too; else what the client is told. */
async function connectTo(
  asked: Omit<EgressDecision, 'verdict'>,
  granted: Verdict,
  options: ServeOptions,
): Promise<Socket | Refusal> {
  const { host, port } = asked;
  try {
    const found = await findAddresses(host, options);
    options.onDecision({ ...asked, verdict: found.refusal ?? granted });
    if (found.refusal !== undefined)
      return { status: 403, reason: 'Forbidden', detail: `${host} ${found.refusal.rule}` };
    return await openOneOf(found.addresses, port);
  } catch (error) {
    options.onFailure({ host, port, error });
    return { status: 502, reason: 'Bad Gateway', detail: messageOf(error) };
  }
}

/** Addresses of a host that the policy grants, and why there are none. Throws when the name cannot be resolved. */
export async function findAddresses(
  host: string,
  { policy, resolve = lookUp }: Pick<ServeOptions, 'policy' | 'resolve'>,
): Promise<{ readonly addresses: readonly string[]; readonly refusal: Verdict | undefined }> {
  const judged = (await resolve(host)).map((address) => ({
    address,
    verdict: policy.judgeAddress(host, address),
  }));
  const addresses = judged.filter(({ verdict }) => verdict.granted).map(({ address }) => address);
  const none: Verdict = { granted: false, rule: 'has no address' };
  return { addresses, refusal: addresses.length > 0 ? undefined : (judged[0]?.verdict ?? none) };
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** By way of another proxy, which looks the name up: what is granted by name is granted wherever the name leads. */
async function passThrough(
  client: Socket,
  rest: Uint8Array,
  proxy: string,
  request: ProxyRequest,
  { onFailure }: ServeOptions,
): Promise<void> {
  let upstream: Socket;
  try {
    const { socket, received } = await openThrough(proxy, request);
    upstream = socket;
    splice(client, upstream);
    if (request.forwardedHead === undefined) client.write(ESTABLISHED);
    if (received.byteLength > 0) client.write(received);
  } catch (error) {
    onFailure({ host: request.host, port: request.port, error });
    return answer(client, 502, 'Bad Gateway', messageOf(error));
  }
  if (rest.byteLength > 0) upstream.write(rest);
}

function describe({ host, port, forwardedHead }: ProxyRequest): Omit<EgressDecision, 'verdict'> {
  return { host: normalizeHost(host), port, protocol: forwardedHead === undefined ? 'connect' : 'http' };
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
export async function openOneOf([address = '', ...others]: readonly string[], port: number): Promise<Socket> {
  try {
    return await open(address, port);
  } catch (error) {
    if (others.length === 0) throw error;
    return await openOneOf(others, port);
  }
}

/** Passes bytes both ways; the end of one is the end of the other. */
export function splice(client: Socket, upstream: Socket): void {
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const socket of [client, upstream]) {
    socket.on('error', end);
    socket.on('close', end);
    socket.setNoDelay(true);
  }
  if (client.destroyed) {
    end();
    return;
  }
  client.pipe(upstream);
  upstream.pipe(client);
}

function answer(client: Socket, status: number, reason: string, detail: string): void {
  const body = `${detail}\n`;
  client.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
