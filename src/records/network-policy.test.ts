import { expect, test } from 'bun:test';
import { connectionOf, networkPolicyOf, type OutboundPolicy } from './network-policy.ts';
import type { PermissionProfile } from './run-config.ts';

const EVERYTHING: OutboundPolicy = { type: 'everything', localPorts: [] };
const NOTHING: OutboundPolicy = { type: 'nothing' };

test.each<[string, PermissionProfile | null | undefined, OutboundPolicy]>([
  ['no profile allows everything', undefined, EVERYTHING],
  ['a profile that is null allows everything', null, EVERYTHING],
  ['a profile without a network object allows everything', {}, EVERYTHING],
  ['a network object that is null allows everything', { network: null }, EVERYTHING],
  ['a network object without outbound allows nothing', { network: {} }, NOTHING],
  ['the built-in none allows nothing', { network: { outbound: {}, inbound: {} } }, NOTHING],
  [
    'lists that are null allow nothing',
    { network: { outbound: { allow_host: null, allow_port: null } } },
    NOTHING,
  ],
  [
    'the built-in network allows everything',
    { network: { outbound: { insecure_allow_all: true } } },
    EVERYTHING,
  ],
  [
    'lists beside everything restrict nothing',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['a'], allow_port: [1] } } },
    EVERYTHING,
  ],
  [
    'everything, and ports of this machine',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['LOCALHOST.'], allow_port: [8080] } } },
    { type: 'everything', localPorts: [8080] },
  ],
  [
    'everything, and this machine by its address',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['a', '[::1]'] } } },
    { type: 'everything', localPorts: 'all' },
  ],
  [
    'hosts on any port',
    { network: { outbound: { allow_host: ['a', '.b'] } } },
    { type: 'listed', hosts: ['a', '.b'], ports: [] },
  ],
  [
    'ports of any host',
    { network: { outbound: { allow_port: [443] } } },
    { type: 'listed', hosts: [], ports: [443] },
  ],
  [
    'hosts and ports, both of which have to match',
    { network: { outbound: { insecure_allow_all: false, allow_host: ['a'], allow_port: [80] } } },
    { type: 'listed', hosts: ['a'], ports: [80] },
  ],
])('%s', (_, profile, outbound) => {
  expect(networkPolicyOf(profile)).toEqual({
    connection: 'bridge',
    mode: '',
    outbound,
    tcpRoutes: [],
    inboundHosts: [],
  });
});

test('a mode says what a server is connected to, whatever the lists say', () => {
  const network = { mode: 'none', outbound: { insecure_allow_all: true }, inbound: { allow_host: ['a'] } };
  expect(networkPolicyOf({ network })).toEqual({
    connection: 'none',
    mode: 'none',
    outbound: EVERYTHING,
    tcpRoutes: [],
    inboundHosts: ['a'],
  });
});

test.each([
  ['', 'bridge'],
  ['bridge', 'bridge'],
  ['default', 'bridge'],
  ['none', 'none'],
  ['host', 'host'],
  ['container:db', 'named'],
  ['backend', 'named'],
  ['Host', 'named'],
])('network mode %j connects to: %s', (mode, connection) => {
  expect<string>(connectionOf(mode)).toBe(connection);
});

test('TCP routes are open beside nothing and everything, and what is none opens nothing', () => {
  const allow_tcp = ['db.example.com:5432', 'example.com', '.example.com:1'];
  const routes = [{ host: 'db.example.com', port: 5432 }];
  expect(networkPolicyOf({ network: { outbound: { allow_tcp } } })).toMatchObject({
    outbound: NOTHING,
    tcpRoutes: routes,
  });
  expect(networkPolicyOf({ network: { outbound: { allow_tcp, insecure_allow_all: true } } })).toMatchObject({
    outbound: EVERYTHING,
    tcpRoutes: routes,
  });
});
