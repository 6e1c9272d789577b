import type { EngineHttp, Failure } from './http.ts';
import { isPermissionError } from './socket-error.ts';

/** Who answers, told by itself: the path of a socket says little, `podman-docker` puts Podman behind Docker's. */
export interface EngineIdentity {
  readonly kind: 'docker' | 'podman';
  /** Newest API version the engine speaks. */
  readonly apiVersion: string;
}

export type PingOutcome =
  | { readonly result: 'answered'; readonly identity: EngineIdentity }
  | { readonly result: 'failed'; readonly why: string; readonly isPermission: boolean };

interface PingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** What an engine speaks that does not say: the header came with this version. */
const OLDEST_API_VERSION = '1.24';

/**
 * `HEAD /_ping`, then `GET` for engines that know only that (spec 03 §1.4). `http` is one without version. Throws only when
 * `signal` gives up.
 */
export async function pingEngine(http: EngineHttp, options: PingOptions): Promise<PingOutcome> {
  const call = { path: '/_ping', signal: options.signal, timeoutMs: options.timeoutMs };
  const byHead = await http.attempt({ method: 'HEAD', ...call });
  const answer = byHead.kind === 'refused' ? await http.attempt({ method: 'GET', ...call }) : byHead;
  if (answer.kind === 'answered') return { result: 'answered', identity: identityOf(answer.value.headers) };
  return {
    result: 'failed',
    why: reasonOf(answer),
    isPermission: answer.kind === 'unreachable' && isPermissionError(answer.cause),
  };
}

function reasonOf(failure: Failure): string {
  switch (failure.kind) {
    case 'refused':
      return failure.message;
    case 'unreachable':
      return failure.why;
    case 'expired':
      return `no answer within ${failure.afterMs / 1000} s`;
  }
}

function identityOf(headers: Headers): EngineIdentity {
  const isPodman = headers.has('libpod-api-version') || /^libpod/i.test(headers.get('server') ?? '');
  return {
    kind: isPodman ? 'podman' : 'docker',
    apiVersion: headers.get('api-version') ?? OLDEST_API_VERSION,
  };
}
