import { messageOf, ThvError } from '../errors/index.ts';
import { startDeadline, unlessAborted } from '../platform/index.ts';
import { isPublicAddress, literalAddress } from './address.ts';
import { isLoopbackHost } from './loopback.ts';
import { proxyFor } from './proxy-settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpClientOptions {
  /** Otherwise only public addresses are dialled, at every hop, and whatever a name resolves to. */
  readonly allowPrivateAddresses: boolean;
  /** Which hosts may be asked without TLS. */
  readonly plainHttp: 'never' | 'loopback' | 'always';
  /** Names the proxies to go through; absent for none. */
  readonly proxies?: Environment | undefined;
  /** PEM certificates that replace the system's authorities. */
  readonly ca?: string | undefined;
  /** PEM; shown to servers that ask who we are. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Certificates of servers are not checked: for development only. */
  readonly skipsVerification?: boolean | undefined;
  readonly userAgent?: string | undefined;
  /** All addresses of a host name; those of the system's name service unless given. */
  readonly resolve?: ((host: string) => Promise<readonly string[]>) | undefined;
  /** Whether an address must not be dialled; those that are not public unless given. */
  readonly isBlocked?: ((address: string) => boolean) | undefined;
}

interface HttpRequest {
  /** `GET` unless given. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Headers for the first origin only, not for where a redirect leads to. */
  readonly credentials?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Longest body that is read, decoded; 0: it is not read at all. */
  readonly maxBytes: number;
  /** Limit of the whole exchange, redirects and body included. */
  readonly timeoutMs: number;
  /** How many redirects are followed, by requests without body; with 0 a redirect is an answer. */
  readonly redirects: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** HTTP to servers that we do not trust with more than what they are asked. */
export interface HttpClient {
  /**
   * Any status is an answer. Throws `ERR_HTTP` when there is none, in time, from an address that may be asked, or none that may
   * be read; and the reason of `signal`.
   */
  send(url: string, request: HttpRequest): Promise<HttpAnswer>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function createHttpClient(options: HttpClientOptions): HttpClient {
  async function follow(text: string, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const first = checkedUrl(text, options);
    let url = first;
    for (let hop = 0; ; hop += 1) {
      const response = await dial(
        url,
        options,
        initOf(request, options, url.origin === first.origin, signal),
      );
      const location = response.headers.get('location');
      const isFollowed = request.redirects > 0 && request.body === undefined;
      if (!isFollowed || !REDIRECTS.has(response.status) || location === null) {
        const body = await readBounded(response, request.maxBytes, url);
        return { status: response.status, headers: response.headers, body };
      }
      await response.body?.cancel();
      if (hop === request.redirects) throw failure('redirects', url, `more than ${hop} redirects`);
      url = checkedUrl(location, options, url);
    }
  }

  return {
    async send(url, request) {
      const { timeoutMs, signal } = request;
      using deadline = startDeadline({ signal, timeoutMs });
      try {
        // A name look-up cannot be cancelled, but its caller need not wait for it.
        return await unlessAborted(follow(url, request, deadline.signal), deadline.signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (deadline.expired) throw failure('timeout', url, `no answer within ${timeoutMs / 1000} seconds`);
        if (error instanceof ThvError) throw error;
        throw failure('connection', url, messageOf(error), error);
      }
    },
  };
}

/** At every hop, because a redirect may lead anywhere. */
function checkedUrl(text: string, { plainHttp }: HttpClientOptions, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw failure('url', text, 'invalid URL');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw failure('protocol', url, 'not an HTTP URL');
  const isAllowed = plainHttp === 'always' || (plainHttp === 'loopback' && isLoopbackHost(url.hostname));
  if (!isAllowed) throw failure('plain-http', url, 'not an https URL');
  return url;
}

function initOf(
  request: HttpRequest,
  options: HttpClientOptions,
  isFirstOrigin: boolean,
  signal: AbortSignal,
): BunFetchRequestInit {
  const { userAgent } = options;
  const tls = tlsOf(options);
  return {
    method: request.method ?? 'GET',
    headers: {
      Accept: 'application/json',
      ...(userAgent === undefined ? {} : { 'User-Agent': userAgent }),
      ...request.headers,
      ...(isFirstOrigin ? request.credentials : {}),
    },
    ...(request.body === undefined ? {} : { body: request.body }),
    ...(tls === undefined ? {} : { tls }),
    redirect: 'manual',
    // A kept connection is found again by its address, but it was checked for one name and one way to get there.
    keepalive: false,
    signal,
  };
}

function tlsOf({ ca, clientCertificate, skipsVerification }: HttpClientOptions): BunFetchRequestInit['tls'] {
  if (ca === undefined && clientCertificate === undefined && skipsVerification !== true) return undefined;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...clientCertificate,
    ...(skipsVerification === true ? { rejectUnauthorized: false } : {}),
  };
}

/** The connection goes to an address that was checked, so a name cannot lead elsewhere between check and use. */
async function dial(url: URL, options: HttpClientOptions, init: BunFetchRequestInit): Promise<Response> {
  const { resolve = systemResolve, isBlocked = (address) => !isPublicAddress(address) } = options;
  const proxy = options.proxies === undefined ? undefined : proxyFor(url, options.proxies);
  const routed = { ...init, proxy: proxy === undefined ? (false as const) : withScheme(proxy) };
  if (options.allowPrivateAddresses) return fetch(url, routed);
  const literal = literalAddress(url.hostname);
  if (literal !== undefined) {
    if (isBlocked(literal)) throw privateAddress(url);
    return fetch(url, routed);
  }
  // A proxy of the user's resolves the name in a network that we do not see; what we can resolve ourselves is still checked.
  const addresses = await resolveAll(url, resolve, proxy !== undefined);
  const allowed = addresses.filter((address) => !isBlocked(address));
  if (addresses.length > 0 && allowed.length === 0) throw privateAddress(url);
  return proxy === undefined ? dialAny(url, allowed, routed) : fetch(url, routed);
}

function withScheme(proxy: string): string {
  return /^[a-z\d+.-]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

/** One address after the other, until one of them takes the connection. */
async function dialAny(url: URL, addresses: readonly string[], init: BunFetchRequestInit): Promise<Response> {
  let last: unknown = failure('resolve', url, `failed to resolve ${url.hostname}: no address`);
  for (const address of addresses) {
    const direct = new URL(url);
    direct.hostname = address.includes(':') ? `[${address}]` : address;
    try {
      return await fetch(direct, {
        ...init,
        headers: { ...init.headers, Host: url.host },
        // The certificate has to be the name's, not the address's.
        tls: { ...init.tls, serverName: url.hostname.replace(/\.$/, '') },
      });
    } catch (error) {
      init.signal?.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function resolveAll(
  url: URL,
  resolve: (host: string) => Promise<readonly string[]>,
  mayFail: boolean,
): Promise<readonly string[]> {
  try {
    return await resolve(url.hostname);
  } catch (error) {
    if (mayFail) return [];
    throw failure('resolve', url, `failed to resolve ${url.hostname}: ${messageOf(error)}`, error);
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  const { lookup } = await import('node:dns/promises');
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function readBounded(response: Response, maxBytes: number, url: URL): Promise<string> {
  if (maxBytes === 0) {
    await response.body?.cancel();
    return '';
  }
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw failure('size', url, `the answer is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function privateAddress(url: URL): ThvError {
  return failure('private', url, 'the provided URL redirects to a private IP address, which is not allowed');
}

type Failed = ThvError<'ERR_HTTP'>['facts']['failed'];

function failure(failed: Failed, url: URL | string, reason: string, cause?: unknown): ThvError {
  const at = typeof url === 'string' ? url : url.href;
  return new ThvError('ERR_HTTP', { reason, failed, url: at }, { cause });
}
