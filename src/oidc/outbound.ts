import { hasCode, ThvError } from '../errors/index.ts';
import { createHttpClient, type HttpAnswer } from '../net/index.ts';

/** The HTTP client for a provider's endpoints (spec 05 §3). No proxy of the environment is used. */
export interface OutboundClient {
  /**
   * One exchange. Throws `ERR_PROVIDER_UNREACHABLE` when no answer came in time, `ERR_PROVIDER_REFUSED` when the URL or
   * the answer breaks a rule.
   */
  send(url: string, request: OutboundRequest): Promise<HttpAnswer>;
}

interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest body that is read; more is an error. */
  readonly maxBytes: number;
  /** Limit of the whole exchange, redirects included. */
  readonly timeoutMs: number;
  /** Only for requests that carry no secret of the caller's. */
  readonly followRedirects: boolean;
}

interface OutboundOptions {
  /** PEM certificates that replace the system's authorities. */
  readonly ca: string | undefined;
  /** Sent as bearer token unless a request brings its own `Authorization`; not where a redirect leads to another origin. */
  readonly authToken: string | undefined;
  readonly allowPrivateAddresses: boolean;
  readonly allowHttp: boolean;
}

const MAX_REDIRECTS = 5;

export function createOutboundClient(options: OutboundOptions): OutboundClient {
  const { allowHttp, allowPrivateAddresses, authToken, ca } = options;
  const client = createHttpClient({
    allowPrivateAddresses,
    plainHttp: allowHttp ? 'always' : 'never',
    ca,
    userAgent: 'ToolHive/1.0',
  });
  return {
    async send(url, { method, headers, body, maxBytes, timeoutMs, followRedirects }) {
      const token = authToken === undefined ? {} : { Authorization: `Bearer ${authToken}` };
      try {
        return await client.send(url, {
          method,
          credentials: { ...token, ...headers },
          body,
          maxBytes,
          timeoutMs,
          redirects: followRedirects ? MAX_REDIRECTS : 0,
        });
      } catch (error) {
        throw hasCode(error, 'ERR_HTTP') ? explained(error, url, { maxBytes, timeoutMs }) : error;
      }
    },
  };
}

function explained(
  error: ThvError<'ERR_HTTP'>,
  asked: string,
  { maxBytes, timeoutMs }: Pick<OutboundRequest, 'maxBytes' | 'timeoutMs'>,
): ThvError {
  const { failed, reason, url } = error.facts;
  // Paths and queries may hold identifiers that do not belong into a log.
  const origin = URL.parse(asked)?.origin ?? asked;
  const unreachable = (why: string) =>
    new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: `${origin}: ${why}` }, { cause: error.cause });
  switch (failed) {
    case 'url':
      return refused(`invalid URL: ${url}`);
    case 'protocol':
    case 'plain-http': {
      const { protocol, host, pathname } = new URL(url);
      return refused(`the supplied URL ${protocol}//${host}${pathname} is not HTTPS scheme`);
    }
    case 'private':
      return refused(reason);
    case 'redirects':
      return refused(`${asked} redirects more than ${MAX_REDIRECTS} times`);
    case 'size':
      return refused(`answer is longer than ${maxBytes} bytes`);
    case 'timeout':
      return unreachable(`no answer within ${timeoutMs / 1000} s`);
    case 'resolve':
    case 'connection':
      return unreachable(reason);
  }
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_PROVIDER_REFUSED', { reason });
}
