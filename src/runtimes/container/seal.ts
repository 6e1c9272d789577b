import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Engine } from '../../engine/index.ts';
import { ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { DeploymentPlan } from '../../sandbox/index.ts';

/**
 * Looks whether this machine has an address in a network that it must not be reachable from, whatever the engine says of it. Called
 * when something runs there, because Podman makes the bridge only then, and before the server does. Engines in a virtual machine have
 * their bridges there. Throws `ERR_SYSTEM`.
 */
export function requireSealed(
  { networks }: Pick<DeploymentPlan, 'networks'>,
  interfaces = networkInterfaces(),
): void {
  for (const { name, sealedSubnet } of networks) {
    if (sealedSubnet === undefined) continue;
    const own = Object.values(interfaces)
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, address }) => family === 'IPv4' && isWithin(sealedSubnet, address));
    if (own === undefined) continue;
    throw new ThvError(
      'ERR_SYSTEM',
      {
        reason: `network isolation cannot be enforced: this machine has the address ${own.address} in ${name}`,
      },
      { hint: 'remove that network, or give it no address of this machine' },
    );
  }
}

function isWithin(subnet: string, address: string): boolean {
  const [base = '', prefix = '32'] = subnet.split('/');
  const bits = 32 - Number(prefix);
  return Math.floor(numberOf(base) / 2 ** bits) === Math.floor(numberOf(address) / 2 ** bits);
}

function numberOf(address: string): number {
  return address.split('.').reduce((value, byte) => value * 256 + Number(byte), 0);
}

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/**
 * Podman adds no rules for a network without a way out. Where another program lets the firewall see what passes a bridge, as Docker
 * does for networks whose containers must not see each other, such a network may carry nothing at all.
 */
export function warnOfBridgeFilter(engine: Engine, logger: Logger, path: string = BRIDGE_FILTER): void {
  if (engine.kind !== 'podman' || process.platform !== 'linux' || readSetting(path) !== '1') return;
  logger.warn(
    'the firewall of this machine also filters what stays within a bridge: an isolated server may not be reachable, and reach nothing',
    { setting: 'net.bridge.bridge-nf-call-iptables=1' },
  );
}

function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // without the module nothing is filtered
  }
}
