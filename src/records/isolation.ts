import { networkPolicyOf } from './network-policy.ts';
import type { RunConfig } from './run-config.ts';

/**
 * Whether the network of a container is isolated. A document that asks for it beside a network mode that has none runs without
 * (spec 03 §9.2).
 */
export function isIsolated({
  isolate_network,
  permission_profile,
}: Pick<RunConfig, 'isolate_network' | 'permission_profile'>): boolean {
  return isolate_network && networkPolicyOf(permission_profile).connection === 'bridge';
}
