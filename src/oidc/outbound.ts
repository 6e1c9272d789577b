import { lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { messageOf, ThvError } from '../errors/index.ts';
import { isPublicAddress } from '../net/index.ts';

/** The HTTP client for a provider's endpoints (spec 05 §3). No proxy of the environment is used. */
export interface OutboundClient {
  /**
   * One exchange. Throws `ERR_PROVIDER_UNREACHABLE` when no answer came in time, `ERR_PROVIDER_REFUSED` when the URL or
   * the answer breaks a rule.
   */
  send(url: string, request: OutboundRequest): Promise<OutboundAnswer>;
}

interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest body that is read; more is an error. */
  readonly maxBytes: number;
  /** For the whole exchange, redirects included. */
  readonly timeoutMs: number;
  /** Only for requests that carry no secret of the caller's. */
  readonly followRedirects: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface OutboundAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

interface OutboundOptions {
  /** PEM certificates that replace the system's authorities. */
  readonly ca: string | undefined;
  /** Sent as bearer token unless a request brings its own `Authorization`. */
  readonly authToken: string | undefined;
  readonly allowPrivateAddresses: boolean;
  readonly allowHttp: boolean;
}

const MAX_REDIRECTS = 5;
const PRIVATE_REFUSED = 'the provided URL redirects to a private IP address, which is not allowed';

export function createOutboundClient(options: OutboundOptions): OutboundClient {
  async function send(url: string, request: OutboundRequest): Promise<OutboundAnswer> {
    const deadline = AbortSignal.timeout(request.timeoutMs);
    const stop = new AbortController();
    const giveUp = () => stop.abort();
    deadline.addEventListener('abort', giveUp);
    request.signal?.addEventListener('abort', giveUp);
    if (request.signal?.aborted) giveUp();
    try {
      let at = url;
      for (let hop = 0; ; hop++) {
        const answer = await exchange(checkUrl(at), request, stop.signal);
        const location = answer.headers.get('location');
        if (!request.followRedirects || answer.status < 300 || answer.status > 399 || location === null)
          return answer;
        if (hop === MAX_REDIRECTS) throw refused(`${url} redirects more than ${MAX_REDIRECTS} times`);
        at = new URL(location, at).href;
      }
    } catch (error) {
      if (error instanceof ThvError) throw error;
      const why = deadline.aborted ? `no answer within ${request.timeoutMs / 1000} s` : messageOf(error);
      throw new ThvError(
        'ERR_PROVIDER_UNREACHABLE',
        { reason: `${originOf(url)}: ${why}` },
        { cause: error },
      );
    } finally {
      deadline.removeEventListener('abort', giveUp);
      request.signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Every hop is looked at: the scheme here, the address where the connection is made. */
  function checkUrl(text: string): URL {
    const url = URL.parse(text);
    if (url === null) throw refused(`invalid URL: ${text}`);
    const isSecure = url.protocol === 'https:';
    if (!isSecure && !(url.protocol === 'http:' && options.allowHttp))
      throw refused(`the supplied URL ${url.origin}${url.pathname} is not HTTPS scheme`);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isAddressAllowed(host)) throw refused(PRIVATE_REFUSED);
    return url;
  }

  function isAddressAllowed(address: string): boolean {
    return options.allowPrivateAddresses || isPublicAddress(address);
  }

  function exchange(url: URL, request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
    const { promise, resolve: answer, reject } = Promise.withResolvers<OutboundAnswer>();
    const start = url.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = start(
      url,
      {
        method: request.method,
        headers: {
          'User-Agent': 'ToolHive/1.0',
          Accept: 'application/json',
          ...(options.authToken === undefined ? {} : { Authorization: `Bearer ${options.authToken}` }),
          ...request.headers,
          ...(request.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(request.body) }),
        },
        agent: false,
        signal,
        minVersion: 'TLSv1.2',
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        lookup: (host, lookupOptions, done) =>
          resolve(host, { ...lookupOptions, all: true }, (error, addresses) => {
            if (error !== null) return done(error, []);
            // One private address among public ones is how a name is made to point inside.
            if (!addresses.every(({ address }) => isAddressAllowed(address)))
              return done(refused(PRIVATE_REFUSED), []);
            done(null, addresses);
          }),
      },
      (incoming) => {
        readAnswer(incoming, request.maxBytes).then(answer, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(request.body);
    return promise;
  }

  return { send };
}

async function readAnswer(incoming: IncomingMessage, maxBytes: number): Promise<OutboundAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      incoming.destroy();
      throw refused(`answer is longer than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') };
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_PROVIDER_REFUSED', { reason });
}

/** Paths and queries may hold identifiers that do not belong into a log. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
