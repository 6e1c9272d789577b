import { expect, test } from 'bun:test';
import { sealedSubnetOf } from './sealed-network.ts';
import type { NetworkSummary } from './types.ts';

const SEALED: NetworkSummary = {
  Name: 'n',
  Id: 'n',
  Created: '',
  Scope: 'local',
  Driver: 'bridge',
  EnableIPv6: false,
  Internal: true,
  Attachable: false,
  Ingress: false,
  ConfigOnly: false,
  IPAM: { Driver: 'default', Config: [{ Subnet: '198.19.7.16/28' }] },
  Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
};

test.each<[what: string, change: Partial<NetworkSummary>, docker: boolean, podman: boolean]>([
  ['as it is made', {}, true, true],
  ['not internal', { Internal: false }, false, false],
  ['with IPv6', { EnableIPv6: true }, false, false],
  ['of another driver', { Driver: 'macvlan' }, false, false],
  // Docker does not tell the gateway of a subnet that was given.
  ['without the option', { Options: {} }, false, true],
  ['internal and no more, as other programs make it', { Options: undefined }, false, true],
  [
    'with a gateway',
    { IPAM: { Driver: 'default', Config: [{ Subnet: '198.19.7.16/28', Gateway: '198.19.7.17' }] } },
    true,
    false,
  ],
  [
    'with a gateway that Podman says is none',
    { IPAM: { Driver: 'default', Config: [{ Subnet: '198.19.7.16/28', Gateway: '<nil>' }] } },
    true,
    true,
  ],
  [
    'with a second subnet',
    { IPAM: { Driver: 'default', Config: [{ Subnet: '198.19.7.16/28' }, { Subnet: 'fd00::/64' }] } },
    false,
    false,
  ],
  ['without subnets', { IPAM: undefined }, false, false],
])('a network %s is sealed: Docker, Podman', (_, change, docker, podman) => {
  const network = { ...SEALED, ...change } as NetworkSummary;
  const subnet = '198.19.7.16/28';
  expect(sealedSubnetOf('docker', network)).toBe(docker ? subnet : undefined);
  expect(sealedSubnetOf('podman', network)).toBe(podman ? subnet : undefined);
});
