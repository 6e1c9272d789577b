/** The first lines of a request to a proxy (RFC 9112 §3.2, RFC 9110 §9.3.6). */
export interface ProxyRequest {
  readonly host: string;
  readonly port: number;
  /** CONNECT: bytes are passed through. Otherwise the head as the origin server gets it. */
  readonly forwardedHead: string | undefined;
}

const CONNECT = /^CONNECT (\S+) HTTP\/1\.[01]$/;
const ABSOLUTE = /^([A-Z]+) (http:\/\/\S+) (HTTP\/1\.[01])$/;
/** Headers that are meant for the proxy or for this connection, not for the server. */
const HOP_BY_HOP = /^(?:proxy-[\w-]+|connection|keep-alive|host|te|trailer)$/i;

/** Reads a head without its empty line; `undefined` when it is none that a proxy can serve. */
export function parseProxyRequest(head: string): ProxyRequest | undefined {
  const [first = '', ...lines] = head.split('\r\n');
  const authority = CONNECT.exec(first)?.[1];
  if (authority !== undefined) {
    const target = parseAuthority(authority);
    return target === undefined ? undefined : { ...target, forwardedHead: undefined };
  }
  const [, method, address, version] = ABSOLUTE.exec(first) ?? [];
  if (method === undefined || address === undefined || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const kept = lines.filter(
    (line) => /^[\w!#$%&'*+.^`|~-]+:/.test(line) && !HOP_BY_HOP.test(line.split(':', 1)[0] ?? ''),
  );
  const upgrade = lines.some((line) => /^upgrade:/i.test(line));
  // One request for each connection, so that what follows on it cannot be meant for another server.
  const connection = upgrade ? 'Connection: Upgrade' : 'Connection: close';
  const forwardedHead = [
    `${method} ${url.pathname}${url.search} ${version}`,
    `Host: ${url.host}`,
    ...kept,
    connection,
    '',
    '',
  ].join('\r\n');
  return { host: url.hostname, port: url.port === '' ? 80 : Number(url.port), forwardedHead };
}

function parseAuthority(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/@\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port < 1 || port > 65_535) return undefined;
  return { host: match[1], port };
}
