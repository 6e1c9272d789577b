import { isIP } from 'node:net';

/**
 * Whether a host, as it stands in a URL, a `Host` header or a setting, is this machine and cannot be made another one: `localhost`,
 * 127.0.0.0/8 and `::1`, brackets or not. Names below `localhost`, and `localhost.`, are not: there are resolvers that ask the
 * network for them.
 */
export function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIP(bare) === 4) return bare.startsWith('127.') && bare === host;
  if (isIP(bare) !== 6 || bare.includes('%')) return false;
  // The URL parser writes every spelling of an address in one way.
  return /^\[::(?:1|ffff:7f[\da-f]{2}:[\da-f]{1,4})\]$/.test(new URL(`http://[${bare}]`).hostname);
}
