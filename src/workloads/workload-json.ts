import type { Workload } from './types.ts';

/** A workload as `list --format json` and the API show it (spec 10 §11.1): keys that are empty are left out as the reference does. */
export function workloadToJson(workload: Workload) {
  const { proxyMode, statusContext, labels, group, tools, remote, startedAt } = workload;
  const sortedLabels = Object.fromEntries(
    Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return {
    name: workload.name,
    package: workload.package,
    url: workload.url,
    port: workload.port,
    transport_type: workload.transport,
    ...(proxyMode ? { proxy_mode: proxyMode } : {}),
    status: workload.status,
    ...(statusContext ? { status_context: statusContext } : {}),
    created_at: rfc3339(workload.createdAt),
    ...(Object.keys(labels).length > 0 ? { labels: sortedLabels } : {}),
    ...(group ? { group } : {}),
    ...(tools.length > 0 ? { tools: [...tools] } : {}),
    ...(remote ? { remote } : {}),
    ...(workload.process === undefined ? {} : { runtime: 'process', confined: workload.process.isConfined }),
    ...confinementToJson(workload),
    started_at: startedAt === undefined ? '0001-01-01T00:00:00Z' : rfc3339(startedAt),
  };
}

/** Ours. */
function confinementToJson({
  limits = {},
  weaknesses = [],
  jsRuntime,
  heldBack = [],
}: Pick<Workload, 'limits' | 'weaknesses' | 'jsRuntime' | 'heldBack'>) {
  return {
    ...(jsRuntime === undefined ? {} : { js_runtime: jsRuntime }),
    ...(heldBack.length > 0 ? { held_back: [...heldBack] } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(weaknesses.length > 0 ? { weaknesses: [...weaknesses] } : {}),
  };
}

/** `2026-08-21T10:00:00Z`, with a fraction only when there is one. */
function rfc3339(time: Date): string {
  return time.toISOString().replace(/\.?0*Z$/, 'Z');
}
