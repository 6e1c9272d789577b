import { matchesHost } from '../egress/index.ts';
import type { Endpoint } from '../proxy/index.ts';
import { isIsolated, networkPolicyOf, type RunConfig } from '../records/index.ts';

/** The endpoint of an isolated server, which takes only requests to the names that its profile lists (spec 03 §5.1, §10.5). */
export function withInboundHosts(
  endpoint: Endpoint,
  config: Pick<RunConfig, 'isolate_network' | 'learn_permissions' | 'permission_profile'>,
): Endpoint {
  const hosts = isIsolated(config) ? networkPolicyOf(config.permission_profile).inboundHosts : [];
  if (hosts.length === 0) return endpoint;
  return {
    ...endpoint,
    gate(request) {
      const host = (request.headers.get('host') ?? '').replace(/:\d+$/, '');
      if (!hosts.some((rule) => matchesHost(rule, host)))
        return new Response(
          `Host ${host} is not listed by the permission profile (network.inbound.allow_host)\n`,
          {
            status: 403,
          },
        );
      return endpoint.gate?.(request);
    },
  };
}
