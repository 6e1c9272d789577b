/**
 * Where the client of an SSE stream POSTs its messages, as it sees us (spec 04 §5.2). `X-Forwarded-*` counts only with
 * `trustProxyHeaders`, the scheme included (§19.11).
 */
export function endpointUrl(request: Request, sessionId: string, trustProxyHeaders: boolean): string {
  const url = new URL(request.url);
  const seen = trustProxyHeaders ? forwarded(request.headers) : {};
  const scheme = seen.proto ?? 'http';
  const host = withPort(seen.host ?? (request.headers.get('host') || url.host), seen.host && seen.port);
  const prefix = segments((seen.prefix ?? '').replace(/\/sse\/?$/, ''));
  return `${scheme}://${host}${prefix}/messages?session_id=${sessionId}`;
}

interface Forwarded {
  readonly proto?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly prefix?: string | undefined;
}

function forwarded(headers: Headers): Forwarded {
  const first = (name: string) => headers.get(name)?.split(',')[0]?.trim() || undefined;
  return {
    proto: first('x-forwarded-proto'),
    host: first('x-forwarded-host'),
    port: first('x-forwarded-port'),
    prefix: first('x-forwarded-prefix'),
  };
}

/** The forwarded port replaces any other; an IPv6 host keeps its brackets. */
function withPort(host: string, port: string | undefined): string {
  return port === undefined || port === '' ? host : `${host.replace(/:\d+$/, '')}:${port}`;
}

/** `/a/b` of `a//b/`, '' of nothing. */
function segments(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => `/${part}`)
    .join('');
}
