/** A client's open event stream, where it looks for answers (HTTP+SSE of MCP 2024-11-05). */
export interface CallerStream {
  /** Whom it belongs to; `undefined` where callers are not told apart. */
  readonly owner: string | undefined;
  /** One message, on one line. `false`: the client does not read, and enough is waiting for it. */
  send(message: string): boolean;
}

/** Open streams by the URL that their clients were told to POST to. */
export interface CallerStreams {
  readonly size: number;
  find(postUrl: string): CallerStream | undefined;
  /** Under the URL of an `endpoint` event, absolute or not; returns what takes it out again. */
  add(endpointUrl: string, stream: CallerStream): () => void;
}

export function createCallerStreams(): CallerStreams {
  const streams = new Map<string, CallerStream>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    find(postUrl) {
      if (size === 0) return undefined;
      for (const key of keysOf(postUrl)) {
        const stream = streams.get(key);
        if (stream !== undefined) return stream;
      }
      return undefined;
    },
    add(endpointUrl, stream) {
      const keys = keysOf(endpointUrl);
      for (const key of keys) streams.set(key, stream);
      size += 1;
      let isIn = true;
      return () => {
        if (!isIn) return;
        isIn = false;
        size -= 1;
        for (const key of keys) if (streams.get(key) === stream) streams.delete(key);
      };
    },
  };
}

/**
 * Path and query; the query alone, as a proxy in front may have another idea of the path; and a session id by the names that
 * it has in SDKs, as a client may add to the query.
 */
function keysOf(url: string): readonly string[] {
  const { pathname, search } = new URL(url, 'http://relative');
  const id = /[?&]session_?id=([^&]+)/i.exec(search)?.[1];
  return [pathname + search, ...(search === '' ? [] : [search]), ...(id === undefined ? [] : [id])];
}
