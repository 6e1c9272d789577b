import type { HeaderList } from './headers.ts';

/** One request to the server behind us. */
export interface UpstreamRequest {
  /** Scheme, host and port. */
  readonly origin: URL;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly method: string;
  /** As the server gets them, without those of the connection. */
  readonly headers: HeaderList;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

/**
 * Sends a request as it is and resolves with the answer once its headers are there: not decompressed, no redirect
 * followed, hop-by-hop headers removed, headers ours to change. Rejects when there is no answer; `isRefused` tells
 * whether nothing was sent.
 */
export type Upstream = (request: UpstreamRequest) => Promise<Response>;

export function isRefused(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ConnectionRefused';
}
