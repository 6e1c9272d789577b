import { expect, test } from 'bun:test';
import { defaultInterface } from './outward-address.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const OUT = 'eth1\t00000000\t0140A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n';
const INSIDE = 'eth0\t0007E70A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n';

test.each<[string, string, string | undefined]>([
  ['the one with a way out, wherever it stands', HEAD + INSIDE + OUT, 'eth1'],
  ['none without a default route', HEAD + INSIDE, undefined],
  [
    'none for a default route that leads nowhere',
    `${HEAD}eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`,
    undefined,
  ],
  ['none for an empty table', '', undefined],
])('the outward interface: %s', (_, table, name) => {
  expect(defaultInterface(table)).toBe(name);
});
