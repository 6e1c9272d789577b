/** A client's open event stream, into which a middleware may put a message of its own. */
interface CallerStream {
  /** `false`: the client does not read, and enough is waiting for it. */
  send(message: string): boolean;
}

/** Open streams by the session that the client names in its POSTs (HTTP+SSE of MCP 2024-11-05). */
export interface CallerStreams {
  find(postUrl: string): CallerStream | undefined;
  /** Under the URL of an `endpoint` event; returns what takes it out again. */
  add(endpointUrl: string, stream: CallerStream): () => void;
}

export function createCallerStreams(): CallerStreams {
  const streams = new Map<string, CallerStream>();
  return {
    find(postUrl) {
      const session = sessionOf(postUrl);
      return session === undefined ? undefined : streams.get(session);
    },
    add(endpointUrl, stream) {
      const session = sessionOf(endpointUrl);
      if (session === undefined) return () => {};
      streams.set(session, stream);
      return () => {
        if (streams.get(session) === stream) streams.delete(session);
      };
    },
  };
}

/** Servers spell the parameter in two ways; both faces of ours and every SDK are covered by them. */
function sessionOf(url: string): string | undefined {
  return /[?&](?:session_id|sessionId)=([^&#\s]+)/.exec(url)?.[1];
}
