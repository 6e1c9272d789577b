import { networkPolicyOf } from './network-policy.ts';
import type { RunConfig } from './run-config.ts';

/**
 * Whether the network of a container is isolated. A document that asks for it beside a network mode that has none runs without
 * (spec 03 §9.2).
 */
export function isIsolated({
  isolate_network,
  learn_permissions,
  permission_profile,
}: Pick<RunConfig, 'isolate_network' | 'learn_permissions' | 'permission_profile'>): boolean {
  // What a server uses is seen where it goes out.
  return (
    (isolate_network || learn_permissions !== undefined) &&
    networkPolicyOf(permission_profile).connection === 'bridge'
  );
}
