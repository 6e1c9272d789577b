import { expect, test } from 'bun:test';
import type { PermissionProfile } from '../records/index.ts';
import { type NetworkAccess, networkAccessOf } from './network-access.ts';

const ROWS: readonly (readonly [string, PermissionProfile, boolean, NetworkAccess])[] = [
  ['no network object grants everything', {}, false, { type: 'open', localPorts: [] }],
  ['`network` without outbound grants nothing', { network: {} }, false, { type: 'none' }],
  ['the built-in none', { network: { outbound: {} } }, false, { type: 'none' }],
  [
    'the built-in network',
    { network: { outbound: { insecure_allow_all: true } } },
    false,
    { type: 'open', localPorts: [] },
  ],
  [
    'all, and a port of this machine',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['LOCALHOST'], allow_port: [8080] } } },
    false,
    { type: 'open', localPorts: [8080] },
  ],
  [
    'all, and this machine by its address',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['127.0.0.1', 'a'] } } },
    false,
    { type: 'open', localPorts: 'all' },
  ],
  [
    'all, and a port without a host',
    { network: { outbound: { insecure_allow_all: true, allow_port: [8080] } } },
    false,
    { type: 'open', localPorts: [] },
  ],
  [
    'all, isolated',
    { network: { outbound: { insecure_allow_all: true } } },
    true,
    { type: 'filtered', rules: { hosts: [], ports: [] } },
  ],
  [
    'all, whatever is listed beside it',
    { network: { outbound: { insecure_allow_all: true, allow_host: ['a'] } } },
    false,
    { type: 'open', localPorts: [] },
  ],
  [
    'hosts, also without isolation',
    { network: { outbound: { allow_host: ['a'] } } },
    false,
    { type: 'filtered', rules: { hosts: ['a'], ports: [] } },
  ],
  [
    'ports',
    { network: { outbound: { allow_port: [443] } } },
    true,
    { type: 'filtered', rules: { hosts: [], ports: [443] } },
  ],
  [
    'TCP routes alone',
    { network: { outbound: { allow_tcp: ['db.example.com:5432'] } } },
    false,
    {
      type: 'filtered',
      rules: { hosts: [], ports: [], routes: [{ host: 'db.example.com', port: 5432 }], routesOnly: true },
    },
  ],
  [
    'TCP routes beside hosts',
    { network: { outbound: { allow_host: ['a'], allow_tcp: ['b:22'] } } },
    false,
    { type: 'filtered', rules: { hosts: ['a'], ports: [], routes: [{ host: 'b', port: 22 }] } },
  ],
  [
    'mode none beats what is allowed',
    { network: { mode: 'none', outbound: { insecure_allow_all: true } } },
    false,
    { type: 'none' },
  ],
  ['mode host beats what is not', { network: { mode: 'host', outbound: {} } }, false, { type: 'host' }],
  [
    'lists that are null',
    { network: { outbound: { allow_host: null, allow_port: null } } },
    false,
    { type: 'none' },
  ],
];

test.each(ROWS)('%s', (_, profile, isolateNetwork, expected) => {
  expect(networkAccessOf(profile, isolateNetwork)).toEqual(expected);
});
