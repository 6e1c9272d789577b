import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { isLoopbackHost } from '../net/index.ts';

/** The part of `GET /info` that tells which registries the engine talks to without protection (Engine API 1.41). */
export interface EngineInfo {
  readonly RegistryConfig?: {
    readonly InsecureRegistryCIDRs?: readonly string[] | null;
    readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean }>> | null;
  } | null;
}

export function isLoopbackRegistry(registry: string): boolean {
  return isLoopbackHost(hostOf(registry));
}

/** True when the engine would fall back to plain http for this registry, as far as it says. */
export function isPlainHttpRegistry(registry: string, info: EngineInfo): boolean {
  const { IndexConfigs, InsecureRegistryCIDRs } = info.RegistryConfig ?? {};
  const host = hostOf(registry);
  // Docker lists hosts with their port, Podman the prefixes of its registries.conf.
  if (IndexConfigs?.[registry]?.Secure === false || IndexConfigs?.[host]?.Secure === false) return true;
  const family = isIPv4(host) ? 'ipv4' : isIPv6(host) ? 'ipv6' : undefined;
  if (family === undefined) return false;
  const ranges = new BlockList();
  for (const range of InsecureRegistryCIDRs ?? []) {
    const [network = '', prefix = ''] = range.split('/');
    if (isIPv4(network)) ranges.addSubnet(network, Number(prefix), 'ipv4');
    else if (isIPv6(network)) ranges.addSubnet(network, Number(prefix), 'ipv6');
  }
  return ranges.check(host, family);
}

function hostOf(registry: string): string {
  return registry.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}
