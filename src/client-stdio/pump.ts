import { errorText, INVALID_REQUEST, isBatch, readMessage } from '../proxy/index.ts';
import { createSseUpstream } from './sse.ts';
import { StreamableUpstream } from './streamable.ts';
import type { UpstreamOptions } from './types.ts';

export interface PumpOptions {
  /** A fragment is ignored. */
  readonly url: string;
  readonly transport: 'sse' | 'streamable-http';
  /** Newline-framed JSON-RPC; its end is the end of the pump, after what is pending. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Takes one line, its newline included; `false` when nobody reads any more, which ends the pump. */
  readonly write: (line: string) => boolean;
  readonly log: UpstreamOptions['log'] & { warn(message: string, fields?: Record<string, unknown>): void };
  /** `Authorization` of every request to the server; `undefined` for none. */
  readonly authorization?: string | undefined;
  /** Ends the pump at once. */
  readonly signal: AbortSignal;
  /** How long the server may be out of reach; default 15 s. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 15_000;

/**
 * Client-stdio, the other direction than `proxy/server-stdio/`: passes messages between a client on stdin and stdout and a server
 * behind HTTP as they are, so that whatever either side invents goes through (spec 04 §14, §19.15). Throws `ERR_MCP_REQUEST` when the server cannot be reached.
 */
export async function pumpClientStdio(options: PumpOptions): Promise<void> {
  const { transport, log, signal } = options;
  const url = new URL(options.url);
  url.hash = '';
  const stopped = Promise.withResolvers<void>();
  const stop = () => stopped.resolve();
  const write = (text: string) => {
    if (!options.write(`${text}\n`)) stop();
  };
  const upstreamOptions: UpstreamOptions = {
    url,
    log,
    deliver: write,
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    // Left to itself, fetch ends a stream on which nothing happens for a while.
    fetch: (resource, init) => fetch(resource, { ...withAuthorization(resource, init), timeout: false }),
  };
  await using upstream =
    transport === 'sse' ? createSseUpstream(upstreamOptions) : new StreamableUpstream(upstreamOptions);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.race([upstream.open().then(pass), upstream.lost, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }

  /** An endpoint that the server names somewhere else gets no token. */
  function withAuthorization(resource: URL, init: RequestInit = {}): RequestInit {
    if (options.authorization === undefined || resource.origin !== url.origin) return init;
    const headers = new Headers(init.headers);
    headers.set('Authorization', options.authorization);
    return { ...init, headers };
  }

  async function pass(): Promise<void> {
    for await (const line of readLines(options.input)) {
      const message = readMessage(line);
      if (message !== undefined) await upstream.send(message);
      else if (isBatch(line)) write(errorText(undefined, INVALID_REQUEST, BATCH));
      else if (line.trim() !== '') log.warn('a line of the client is not a message', { bytes: line.length });
    }
    await upstream.settled();
  }
}

const BATCH = 'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)';

/** Lines without their ends; the last one needs none. */
async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  for await (const bytes of input) {
    const [first = '', ...rest] = decoder.decode(bytes, { stream: true }).split('\n');
    pieces.push(first);
    for (const next of rest) {
      yield pieces.join('');
      pieces = [next];
    }
  }
  yield pieces.join('') + decoder.decode();
}
