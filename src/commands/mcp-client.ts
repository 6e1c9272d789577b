import { Client } from '@modelcontextprotocol/client';
import { buildInfo } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import { formatDuration } from '../platform/index.ts';
import { createTransport, type TransportName } from './mcp-wire.ts';

export interface McpConnection extends AsyncDisposable {
  readonly client: Client;
  /** Why no answer can come any more; `undefined` while one can. */
  readonly lost: () => string | undefined;
  /** Options of every request: the deadline of the whole operation, and what cancels it. */
  readonly request: { readonly signal: AbortSignal; readonly timeout: number };
}

interface ConnectOptions {
  readonly url: URL;
  /** `auto`, `sse`, `streamable-http`; other words mean: guess by the path. */
  readonly transport: string;
  /** `Authorization` of every request; `undefined` for none. */
  readonly authorization: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to an MCP server. Throws `ERR_MCP_REQUEST` naming what each transport that was tried said, or `ERR_TIMEOUT`.
 * The deadline goes on running for the requests that follow.
 */
export async function connectMcp({
  url,
  transport,
  authorization,
  timeoutMs,
  signal,
}: ConnectOptions): Promise<McpConnection> {
  // Both live as long as the process, which ends with the command.
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let lost: string | undefined;
  const attempts: string[] = [];
  for (const name of transportsToTry(transport, url)) {
    const client = createClient();
    const losing = new AbortController();
    const wire = createTransport(name, url, authorization, (reason) => {
      lost ??= reason;
      losing.abort(new Error(reason));
    });
    const ending = AbortSignal.any([deadline, losing.signal]);
    try {
      await untilAborted(client.connect(wire, { signal: ending, timeout: timeoutMs }), ending);
      return {
        client,
        lost: () => lost,
        request: { signal: ending, timeout: timeoutMs },
        async [Symbol.asyncDispose]() {
          // A session that is not ended would be kept by the server until it expires.
          if ('terminateSession' in wire)
            await untilAborted(wire.terminateSession(), ending).catch(() => undefined);
          await client.close();
        },
      };
    } catch (error) {
      await client.close().catch(() => undefined);
      signal.throwIfAborted();
      if (deadline.aborted) {
        const reason = `no answer from ${url.href} within ${formatDuration(timeoutMs)}`;
        throw new ThvError('ERR_TIMEOUT', { reason }, { cause: error });
      }
      attempts.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new ThvError('ERR_MCP_REQUEST', {
    reason: `failed to connect to MCP server ${url.href}: ${attempts.join('; ')}`,
  });
}

/** What a request of an open connection failed with, in words; the deadline is named as such. */
export function describeFailure(error: unknown, { request, lost }: McpConnection): string {
  const reason = lost();
  if (reason !== undefined) return reason;
  return request.signal.aborted ? `no answer within ${formatDuration(request.timeout)}` : messageOf(error);
}

/** The transports to try, in order: both for `auto`, the named one, else a guess by the path (spec 01 §6.1). */
export function transportsToTry(transport: string, { pathname }: URL): readonly TransportName[] {
  if (transport === 'auto') return ['streamable-http', 'sse'];
  if (transport === 'sse' || transport === 'streamable-http') return [transport];
  return pathname.endsWith('/sse') ? ['sse'] : ['streamable-http'];
}

/**
 * Declares all that a client can offer, and refuses when it is asked for it: the proxy of a stdio server shakes hands
 * once, and a first look by this command must not narrow what the server offers to the clients after it.
 */
function createClient(): Client {
  return new Client(
    { name: 'toolhive-cli', version: buildInfo().version },
    {
      capabilities: {
        sampling: { context: {}, tools: {} },
        elicitation: { form: {}, url: {} },
        roots: { listChanged: true },
      },
      listMaxPages: 0,
    },
  );
}

/** Rejects as soon as `signal` aborts; the code that aborts also closes what `work` is waiting for. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
