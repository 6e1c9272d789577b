import type { NetworkPolicy } from '../../../records/index.ts';
import type { Admission } from '../../../sidecar/index.ts';
import type { MachineAddresses } from './machine-addresses.ts';
import type { Membership } from './sidecar-networks.ts';
import type { AdmittedWorkload } from './types.ts';

/** What the sidecar is told about a workload. */
export function admissionOf(
  { name, policy, allowGateway }: AdmittedWorkload,
  { address, prefixLength }: Membership,
  { machine, gateway }: MachineAddresses,
): Admission {
  return {
    name,
    address,
    prefixLength,
    rules: rulesOf(policy),
    machine: [...machine],
    gateway,
    allowGateway,
  };
}

/** The truth table of spec 03 §10.2, and the routes beside it. */
function rulesOf({ outbound, tcpRoutes }: NetworkPolicy): Admission['rules'] {
  const routes = tcpRoutes.map(({ host, port }) => ({ host, port }));
  const isListed = outbound.type === 'listed';
  return {
    hosts: isListed ? [...outbound.hosts] : [],
    ports: isListed ? [...outbound.ports] : [],
    routes,
    routesOnly: outbound.type === 'nothing',
    privateNetworks: outbound.type === 'everything',
  };
}
