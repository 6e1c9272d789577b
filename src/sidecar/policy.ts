import { lookup } from 'node:dns/promises';
import { type EgressPolicy, normalizeHost, policyOfRules, type Verdict } from '../egress/index.ts';
import type { Admission } from './admission.ts';
import { isWithin, plainAddress } from './subnet.ts';

/** Names that Docker gives to the machine (spec 03 §10.4). */
const GATEWAY_HOSTS: ReadonlySet<string> = new Set(['host.docker.internal', 'gateway.docker.internal']);
const GATEWAY_REMEDY = '--allow-docker-gateway';

/** What a workload may reach, and how names are looked up for it. */
export interface WorkloadPolicy extends EgressPolicy {
  /** Whether the workload may know the addresses of a name. */
  judgeName(name: string): Verdict;
  /** Addresses of a name, of both families. Throws when there are none. */
  resolve(host: string): Promise<readonly string[]>;
}

type Network = Pick<Admission, 'address' | 'prefixLength'>;

/**
 * The rules of the profile, and above them what no profile opens: the machine by any of its addresses, and the networks of
 * workloads. `networks` gives all that the sidecar is in, this workload's included.
 */
export function policyOf(admission: Admission, networks: () => Iterable<Network>): WorkloadPolicy {
  const { rules, machine, gateway, allowGateway } = admission;
  const profile = policyOfRules(rules);
  const closed = new Set(machine);
  const isGateway = (host: string) => GATEWAY_HOSTS.has(host) || host === gateway;
  const gatewayVerdict: Verdict = allowGateway
    ? { granted: true, rule: GATEWAY_REMEDY }
    : {
        granted: false,
        rule: 'the machine itself, which is closed to isolated servers',
        remedy: GATEWAY_REMEDY,
      };
  return {
    judgeRequest(host, port) {
      return isGateway(normalizeHost(host)) ? gatewayVerdict : profile.judgeRequest(host, port);
    },
    judgeAddress(host, address) {
      const plain = plainAddress(address);
      for (const { address: base, prefixLength } of networks())
        if (isWithin(plain, base, prefixLength))
          return { granted: false, rule: 'leads to the network of a server' };
      if (allowGateway && isGateway(normalizeHost(host))) return gatewayVerdict;
      if (plain === gateway) return gatewayVerdict;
      if (closed.has(plain)) return { granted: false, rule: 'leads to this machine' };
      return profile.judgeAddress(host, address);
    },
    judgeName(name) {
      const host = normalizeHost(name);
      if (isGateway(host)) return gatewayVerdict;
      const route = rules.routes.find((each) => normalizeHost(each.host) === host);
      if (route !== undefined) return { granted: true, rule: `allow_tcp ${host}:${route.port}` };
      // Where ports alone are listed, any host may be asked for.
      return profile.judgeRequest(host, rules.ports[0] ?? 443);
    },
    async resolve(host) {
      try {
        return (await lookup(host, { all: true })).map(({ address }) => address);
      } catch (error) {
        // Docker Desktop knows these names by itself; other engines only know the address.
        if (GATEWAY_HOSTS.has(host)) return [gateway];
        throw error;
      }
    },
  };
}
