import { expect, test } from 'bun:test';
import { parseTcpRoute, type TcpRoute } from './tcp-route.ts';

test.each<[string, string, TcpRoute | undefined]>([
  ['a host and a port', 'db.example.com:5432', { host: 'db.example.com', port: 5432 }],
  ['names are the same in any case', 'DB.Example.com:22', { host: 'db.example.com', port: 22 }],
  ['the last port', 'a:65535', { host: 'a', port: 65_535 }],
  ['no port', 'db.example.com', undefined],
  ['port 0', 'db.example.com:0', undefined],
  ['a port above the last', 'db.example.com:65536', undefined],
  ['a port with a sign', 'db.example.com:+22', undefined],
  ['a domain and all below it', '.example.com:22', undefined],
  ['a wildcard', '*.example.com:22', undefined],
  ['an address', '192.0.2.1:22', undefined],
  ['an IPv6 address', '[2001:db8::1]:22', undefined],
  ['a name with a space', 'a b:22', undefined],
  ['nothing', '', undefined],
])('a TCP route: %s', (_, text, route) => {
  expect(parseTcpRoute(text)).toEqual(route);
});
