import { expect, test } from 'bun:test';
import type { NetworkInterfaceInfo } from 'node:os';
import { requireSealed } from './seal.ts';

const machine = (...addresses: readonly string[]) => ({
  lo: [info('127.0.0.1')],
  bridge: addresses.map(info),
});

function info(address: string): NetworkInterfaceInfo {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return {
    address,
    family,
    netmask: '',
    mac: '',
    internal: false,
    cidr: null,
    scopeid: 0,
  } as NetworkInterfaceInfo;
}

const networks = [
  { name: 'toolhive-external', labels: {} },
  { name: 'toolhive-x-internal', sealedSubnet: '198.19.7.16/28', labels: {} },
];

test.each([
  ['198.19.7.16', true],
  ['198.19.7.17', true],
  ['198.19.7.31', true],
  ['198.19.7.15', false],
  ['198.19.7.32', false],
  ['172.17.0.1', false],
  ['fe80::1', false],
])('a machine with the address %p is in the network: %p', (address, isIn) => {
  const look = () => requireSealed({ networks }, machine('192.0.2.2', address));
  if (isIn)
    expect(look).toThrow(
      `network isolation cannot be enforced: this machine has the address ${address} in toolhive-x-internal`,
    );
  else expect(look()).toBeUndefined();
});
