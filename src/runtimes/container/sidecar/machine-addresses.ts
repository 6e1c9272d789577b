import type { Engine } from '../../../engine/index.ts';
import { addressesOfMachine } from '../../../net/index.ts';
import { EXTERNAL_NETWORK } from '../../../sandbox/index.ts';

/** Docker's own, where its `bridge` network cannot be looked at (spec 03 §10.4). */
const DEFAULT_GATEWAY = '172.17.0.1';

export interface MachineAddresses {
  /** Addresses of this machine, and of the one that the engine runs on, loopback excepted. */
  readonly machine: readonly string[];
  /** The machine as containers on the engine's `bridge` network see it. */
  readonly gateway: string;
}

/** Everything that leads to the machine: its interfaces, and the gateways of the engine's networks, which may be in a virtual machine. */
export async function machineAddresses(engine: Engine): Promise<MachineAddresses> {
  const networks = await engine.networks.list({}).catch(() => []); // the interfaces are known all the same
  const gateways = networks.flatMap(({ Name, IPAM }) =>
    (IPAM?.Config ?? []).flatMap(({ Gateway }) =>
      Gateway === undefined ? [] : [{ name: Name, address: bare(Gateway) }],
    ),
  );
  // Podman's has an address only while something is in it; the network that the way out leads through always has.
  const wanted = engine.kind === 'podman' ? [EXTERNAL_NETWORK, 'bridge'] : ['bridge', EXTERNAL_NETWORK];
  const [gateway] = wanted.flatMap((network) =>
    gateways.filter(({ name, address }) => name === network && address.includes('.')),
  );
  const all = [...addressesOfMachine().map(shortened), ...gateways.map(({ address }) => address)];
  return {
    machine: [...new Set(all)].sort(),
    gateway: gateway?.address ?? DEFAULT_GATEWAY,
  };
}

/** As name services write it. */
function shortened(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function bare(address: string): string {
  return address.replace(/[%/].*$/, '');
}
