/** Headers in the order they came in, names in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Headers that belong to one connection and never pass a proxy (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Those that we set ourselves, or that follow from where the request goes. */
const OURS: ReadonlySet<string> = new Set([
  'expect',
  'forwarded',
  'host',
  'mcp-session-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

export interface ForwardingFacts {
  readonly remoteAddress: string;
  /** Scheme of a remote server's URL; `undefined` for a server on our side (spec 04 §8.1). */
  readonly remoteScheme: string | undefined;
  /** The client's token is not for the server. */
  readonly hidesAuthorization: boolean;
  /** The answer is to be looked into, so it must not be compressed. */
  readonly isPlain: boolean;
}

/** The request's headers as the server behind us gets them (spec 04 §8.1), but for the session. */
export function requestHeaders(
  headers: Headers,
  { remoteAddress, remoteScheme, hidesAuthorization, isPlain }: ForwardingFacts,
): HeaderList {
  const list: [string, string][] = [];
  let host: string | undefined;
  let connection = '';
  headers.forEach((value, name) => {
    if (name === 'host') host = value;
    else if (name === 'connection') connection = value;
    else if (!OURS.has(name) && !HOP_BY_HOP.has(name)) list.push([name, value]);
  });
  const dropped = namesIn(connection);
  if (isPlain) dropped.push('accept-encoding');
  if (hidesAuthorization) dropped.push('authorization');
  const sent = dropped.length === 0 ? list : without(list, dropped);
  // After that: `Connection: X-Forwarded-For` must not hide a client.
  sent.push(['x-forwarded-for', remoteAddress], ['x-forwarded-proto', remoteScheme ?? 'http']);
  if (host !== undefined && remoteScheme === undefined) sent.push(['x-forwarded-host', host]);
  return sent;
}

export function without(list: HeaderList, names: readonly string[]): HeaderList[number][] {
  return list.filter(([name]) => !names.includes(name));
}

export function withoutHopByHop(headers: Headers): Headers {
  const passed = new Headers(headers);
  for (const name of HOP_BY_HOP) passed.delete(name);
  for (const name of namesIn(headers.get('connection') ?? '')) passed.delete(name);
  return passed;
}

/** Headers that `Connection` names as its own; the framing of the body is not up to it. */
function namesIn(connection: string): string[] {
  if (connection === '' || connection === 'keep-alive' || connection === 'close') return [];
  return connection
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && name !== 'content-length');
}
