/** Headers that belong to one connection and never pass a proxy (RFC 9110 §7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

export interface ForwardingFacts {
  readonly remoteAddress: string;
  readonly scheme: 'http' | 'https';
}

/** The request's headers as the server behind us gets them (spec 04 §8.1). `Host` follows from the target. */
export function requestHeaders(headers: Headers, { remoteAddress, scheme }: ForwardingFacts): Headers {
  const passed = withoutHopByHop(headers);
  const host = headers.get('host');
  passed.delete('host');
  passed.delete('forwarded');
  passed.set('x-forwarded-for', remoteAddress);
  passed.set('x-forwarded-proto', scheme);
  if (host === null) passed.delete('x-forwarded-host');
  else passed.set('x-forwarded-host', host);
  // Left out, fetch would send its own.
  if (!passed.has('user-agent')) passed.set('user-agent', '');
  return passed;
}

export function withoutHopByHop(headers: Headers): Headers {
  const passed = new Headers(headers);
  const named = headers.get('connection');
  for (const name of HOP_BY_HOP) passed.delete(name);
  for (const name of named?.split(',') ?? []) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name.trim())) passed.delete(name.trim());
  }
  return passed;
}
