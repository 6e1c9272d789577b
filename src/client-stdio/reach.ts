import { messageOf, ThvError } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';

const RETRY_MS = 100;

interface ReachOptions {
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Tries until a connection is made. A refused connection has carried nothing, so it is safe to repeat; everything else
 * is thrown. Throws `ERR_MCP_REQUEST` when nobody has listened for `patienceMs`.
 */
export async function reach(
  url: URL,
  attempt: () => Promise<Response>,
  { patienceMs, signal }: ReachOptions,
): Promise<Response> {
  const startedAt = performance.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (performance.now() - startedAt >= patienceMs) throw unreachable(url, error);
      await sleep(RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

export function unreachable(url: URL, cause: unknown): ThvError<'ERR_MCP_REQUEST'> {
  return new ThvError(
    'ERR_MCP_REQUEST',
    { reason: `cannot reach the MCP server at ${url.href}: ${messageOf(cause)}` },
    { cause },
  );
}

/** Whether it is what `reach` throws when nobody has listened for too long. */
export function isUnreachable(error: unknown): error is ThvError<'ERR_MCP_REQUEST'> {
  return error instanceof ThvError && error.code === 'ERR_MCP_REQUEST';
}

function isRefused(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ConnectionRefused';
}
