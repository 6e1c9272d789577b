import { hasCode, ThvError } from '../errors/index.ts';
import { createHttpClient as createGuardedClient, type HttpAnswer as GuardedAnswer } from '../net/index.ts';
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
  const { allowPrivateAddress, env, userAgent, resolve, isBlocked } = options;
  const isPlainAllowed =
    allowPrivateAddress || env['INSECURE_DISABLE_URL_VALIDATION']?.toLowerCase() === 'true';
  const client = createGuardedClient({
    allowPrivateAddresses: allowPrivateAddress,
    plainHttp: isPlainAllowed ? 'always' : 'never',
    proxies: env,
    userAgent,
    resolve,
    isBlocked,
  });
  return {
    async request(url, { timeoutMs, method, authorization, signal }) {
      let answer: GuardedAnswer;
      try {
        answer = await client.send(url, {
          method,
          timeoutMs,
          credentials: authorization === undefined ? {} : { Authorization: authorization },
          maxBytes: MAX_BODY_BYTES,
          redirects: MAX_REDIRECTS,
          signal,
        });
      } catch (error) {
        throw hasCode(error, 'ERR_HTTP') ? explained(error, shownUrl(url), timeoutMs) : error;
      }
      const { status, headers, body } = answer;
      return { status, contentType: headers.get('content-type') ?? '', body };
    },
  };
}

/** In the words of spec 08 §1.4 and §6.3. */
function explained(error: ThvError<'ERR_HTTP'>, shown: string, timeoutMs: number): ThvError {
  const { failed, reason, url } = error.facts;
  const failure = (kind: 'timeout' | 'connection' | 'scheme' | 'content', text: string) =>
    new ThvError('ERR_REGISTRY_REQUEST', { reason: text, failed: kind }, { cause: error.cause });
  switch (failed) {
    case 'url':
      return failure('scheme', `invalid registry URL: ${shown}`);
    case 'protocol':
      return failure('scheme', 'invalid registry URL: URL must start with http:// or https://');
    case 'plain-http':
      return failure(
        'scheme',
        'invalid registry URL: URL must start with https:// when not allowing private IPs',
      );
    case 'timeout':
      return failure('timeout', `no answer from ${shown} within ${timeoutMs / 1000} seconds`);
    case 'redirects':
      return failure('connection', `stopped after ${MAX_REDIRECTS} redirects from ${shown}`);
    case 'size':
      return failure('content', `the answer of ${shownUrl(url)} is larger than 64 MiB`);
    case 'private':
    case 'resolve':
      return failure('connection', reason);
    case 'connection':
      return failure('connection', `${shown}: ${reason}`);
  }
}

export function userAgent(version = 'dev'): string {
  return `ToolHive/${version} (${process.platform}/${process.arch})`;
}
