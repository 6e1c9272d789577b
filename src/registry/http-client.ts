import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, ThvError } from '../errors/index.ts';
import { isPublicAddress } from '../net/index.ts';
import { proxyFor, startDeadline, unlessAborted } from '../platform/index.ts';
import { shownUrl } from './shown-url.ts';

const MAX_REDIRECTS = 10;
/** Far above any registry; a server that never stops sending must not fill the memory. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpClientOptions {
  /** Also lifts the demand for https. */
  readonly allowPrivateAddress: boolean;
  readonly env: Environment;
  readonly userAgent?: string | undefined;
  /** All addresses of a host name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Whether an address must not be dialled. */
  readonly isBlocked?: (address: string) => boolean;
}

interface HttpRequest {
  readonly timeoutMs: number;
  readonly method?: 'GET' | 'HEAD';
  /** Sent to the first origin only, not where a redirect leads to elsewhere. */
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** HTTP as registries are reached (spec 08 §1.4). */
export interface HttpClient {
  /**
   * Any status is an answer; redirects are followed. Throws `ERR_REGISTRY_REQUEST` when there is none, within `timeoutMs`, from
   * an address that may be asked; and the reason of `signal`.
   */
  request(url: string, request: HttpRequest): Promise<HttpAnswer>;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { userAgent, resolve = systemResolve, isBlocked = (address) => !isPublicAddress(address) } = options;

  async function follow(first: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let url = first;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      checkScheme(url, options);
      const response = await send(url, {
        method: request.method ?? 'GET',
        headers: {
          Accept: 'application/json',
          ...(userAgent === undefined ? {} : { 'User-Agent': userAgent }),
          ...(request.authorization === undefined || url.origin !== first.origin
            ? {}
            : { Authorization: request.authorization }),
        },
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
        return {
          status: response.status,
          contentType: response.headers.get('content-type') ?? '',
          body: await readBounded(response, url),
        };
      }
      await response.body?.cancel();
      url = new URL(location, url);
    }
    throw failure('connection', `stopped after ${MAX_REDIRECTS} redirects from ${shownUrl(first)}`);
  }

  /** The connection goes to an address that was checked, so a name cannot lead elsewhere between check and use. */
  async function send(url: URL, init: BunFetchRequestInit): Promise<Response> {
    if (options.allowPrivateAddress) return fetch(url, init);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0) {
      if (isBlocked(host)) throw privateAddress();
      return fetch(url, init);
    }
    // A proxy of the user's resolves the name in a network that we do not see; what we can resolve ourselves is still checked.
    const isProxied = proxyFor(url, options.env) !== undefined;
    const addresses = await resolveAll(host, resolve, isProxied);
    const allowed = addresses.filter((address) => !isBlocked(address));
    if (addresses.length > 0 && allowed.length === 0) throw privateAddress();
    return isProxied ? fetch(url, init) : sendToAny(url, host, allowed, init);
  }

  return {
    async request(text, request) {
      const { timeoutMs, signal } = request;
      if (!URL.canParse(text)) throw failure('scheme', `invalid registry URL: ${shownUrl(text)}`);
      using deadline = startDeadline({ signal, timeoutMs });
      try {
        // Resolving a name cannot be called off; whoever waits for it can be let go.
        return await unlessAborted(follow(new URL(text), request, deadline.signal), deadline.signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (deadline.expired)
          throw failure('timeout', `no answer from ${shownUrl(text)} within ${timeoutMs / 1000} seconds`);
        if (error instanceof ThvError) throw error;
        throw failure('connection', `${shownUrl(text)}: ${messageOf(error)}`, error);
      }
    },
  };
}

function checkScheme(url: URL, { allowPrivateAddress, env }: HttpClientOptions): void {
  if (url.protocol === 'https:') return;
  if (url.protocol !== 'http:') {
    throw failure('scheme', 'invalid registry URL: URL must start with http:// or https://');
  }
  if (allowPrivateAddress || env['INSECURE_DISABLE_URL_VALIDATION']?.toLowerCase() === 'true') return;
  throw failure('scheme', 'invalid registry URL: URL must start with https:// when not allowing private IPs');
}

/** One address after the other, until one of them takes the connection. */
async function sendToAny(
  url: URL,
  host: string,
  addresses: readonly string[],
  init: BunFetchRequestInit,
): Promise<Response> {
  // An exception from a proxy is made for the name and does not cover the address. Missing in Bun's types.
  const noProxy: object = { proxy: false };
  let last: unknown;
  for (const address of addresses) {
    const direct = new URL(url);
    direct.hostname = isIP(address) === 6 ? `[${address}]` : address;
    try {
      return await fetch(direct, {
        ...init,
        ...noProxy,
        headers: { ...init.headers, Host: url.host },
        // The certificate has to be the name's, not the address's.
        ...(url.protocol === 'https:' ? { tls: { serverName: host } } : {}),
      });
    } catch (error) {
      init.signal?.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function resolveAll(
  host: string,
  resolve: (host: string) => Promise<readonly string[]>,
  mayFail: boolean,
): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    if (mayFail) return [];
    throw failure('connection', `failed to resolve ${host}: ${messageOf(error)}`, error);
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

async function readBounded(response: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES)
      throw failure('content', `the answer of ${shownUrl(url)} is larger than 64 MiB`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function privateAddress(): ThvError {
  return failure('connection', 'the provided URL redirects to a private IP address, which is not allowed');
}

function failure(
  failed: 'timeout' | 'connection' | 'scheme' | 'content',
  reason: string,
  cause?: unknown,
): ThvError {
  return new ThvError('ERR_REGISTRY_REQUEST', { reason, failed }, { cause });
}

export function userAgent(version = 'dev'): string {
  return `ToolHive/${version} (${process.platform}/${process.arch})`;
}
