import type { ThvError } from '../errors/index.ts';
import { type HostAnswer, urlOf } from '../host/index.ts';
import {
  LABEL,
  type RunConfig,
  type StatusRecord,
  type Transport,
  userLabels,
  type WorkloadName,
  type WorkloadStatus,
} from '../records/index.ts';
import type { Runtime, Sighting } from '../runtimes/index.ts';
import type { Workload } from './types.ts';

/** What is known of one workload from its sources; any of them may be missing. */
export interface Evidence {
  readonly record: StatusRecord | undefined;
  /** Why there is no record though there is a file. */
  readonly unreadable: ThvError | undefined;
  readonly config: RunConfig | undefined;
  readonly runtime: Runtime;
  /** What its runtime found of it. */
  readonly seen: Sighting | undefined;
  readonly host: HostAnswer;
}

/** One workload as shown to people and programs. `status` was decided by the caller (spec 02 §4.5, §4.6). */
export function viewOf(
  name: WorkloadName,
  { record, config, runtime, seen }: Omit<Evidence, 'unreadable' | 'host'>,
  status: { readonly status: WorkloadStatus; readonly context: string | undefined },
): Workload {
  const labels = config?.container_labels ?? seen?.labels ?? {};
  const described = config === undefined ? {} : runtime.describe(name, config, record);
  const { confinement } = described;
  const transport = config?.transport ?? transportOf(seen);
  return {
    name,
    package: described.package ?? config?.image ?? seen?.image ?? '',
    url: config === undefined ? '' : urlOf(config),
    port: config?.port ?? (Number(seen?.labels[LABEL.port] ?? 0) || 0),
    transport,
    proxyMode: config?.proxy_mode,
    status: status.status,
    statusContext: status.context || undefined,
    createdAt: record === undefined ? (seen?.createdAt ?? new Date(0)) : new Date(record.created_at),
    startedAt: seen?.startedAt ?? described.startedAt,
    labels: userLabels(labels),
    group: config?.group,
    tools: config?.tools_filter ?? [],
    remote: described.isRemote ?? false,
    limits: confinement?.limits ?? seen?.limits,
    jsRuntime: confinement?.js_runtime,
    heldBack: confinement?.held_back,
    weaknesses: confinement?.weaknesses,
    ...(described.process === undefined ? {} : { process: described.process }),
  };
}

function transportOf(seen: Sighting | undefined): Transport {
  const label = seen?.labels[LABEL.transport];
  return label === 'sse' || label === 'streamable-http' ? label : 'stdio';
}
