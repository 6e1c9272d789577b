import type { ContainerDetails, ContainerSummary } from '../engine/index.ts';
import type { ThvError } from '../errors/index.ts';
import { type Confinement, type HostAnswer, urlOf } from '../host/index.ts';
import {
  formatMemory,
  isProcess,
  isRemote,
  LABEL,
  type RunConfig,
  type StatusRecord,
  type Transport,
  userLabels,
  type WorkloadName,
  type WorkloadStatus,
} from '../records/index.ts';
import type { Workload } from './types.ts';

/** What is known of one workload from its sources; any of them may be missing. */
export interface Evidence {
  readonly record: StatusRecord | undefined;
  /** Why there is no record though there is a file. */
  readonly unreadable: ThvError | undefined;
  readonly config: RunConfig | undefined;
  readonly container: SeenContainer | undefined;
  readonly host: HostAnswer;
  /** What holds a process that runs. */
  readonly confinement?: Confinement | undefined;
}

/** The part of an engine's answer that a workload's view is made of. */
export interface SeenContainer {
  readonly image: string;
  /** Engine state: `running`, `exited`, … */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  /** What its engine holds; not part of a list's answer. */
  readonly limits?: Confinement['limits'];
}

export function seenFromSummary(summary: ContainerSummary): SeenContainer {
  return {
    image: summary.Image,
    state: summary.State,
    labels: summary.Labels,
    createdAt: new Date(summary.Created * 1000),
    startedAt: undefined,
  };
}

export function seenFromDetails(details: ContainerDetails): SeenContainer {
  const startedAt = new Date(details.State.StartedAt);
  return {
    image: details.Config.Image,
    state: details.State.Restarting ? 'restarting' : details.State.Status,
    labels: details.Config.Labels ?? {},
    createdAt: new Date(details.Created),
    startedAt: startedAt.getUTCFullYear() > 1 ? startedAt : undefined,
    limits: limitsOf(details),
  };
}

function limitsOf({ HostConfig: { Memory: bytes, NanoCpus: cpus, PidsLimit: pids } }: ContainerDetails) {
  const held_by = 'container engine';
  return {
    ...(bytes ? { memory: { limit: formatMemory(bytes), held_by } } : {}),
    ...(cpus ? { cpus: { limit: cpus / 1e9, held_by } } : {}),
    ...(pids && pids > 0 ? { pids: { limit: pids, held_by } } : {}),
  };
}

/** Engine state to workload status (spec 03 §2.3). */
export function statusFromEngine(state: string): WorkloadStatus {
  switch (state) {
    case 'running':
      return 'running';
    case 'created':
    case 'restarting':
    case 'configured': // this and the next: Podman
    case 'initialized':
      return 'starting';
    case 'paused':
    case 'exited':
    case 'dead':
    case 'stopped': // Podman
      return 'stopped';
    case 'stopping': // Podman
      return 'stopping';
    case 'removing':
      return 'removing';
    default:
      return 'unknown';
  }
}

/** One workload as shown to people and programs. `status` was decided by the caller (spec 02 §4.5, §4.6). */
export function viewOf(
  name: WorkloadName,
  { record, config, container, confinement }: Omit<Evidence, 'unreadable' | 'host'>,
  status: { readonly status: WorkloadStatus; readonly context: string | undefined },
): Workload {
  const labels = config?.container_labels ?? container?.labels ?? {};
  const remote = config !== undefined && isRemote(config);
  const transport = config?.transport ?? transportOf(container);
  return {
    name,
    package: remote ? 'remote' : (config?.image ?? container?.image ?? ''),
    url: config === undefined ? '' : urlOf(config),
    port: config?.port ?? (Number(container?.labels[LABEL.port] ?? 0) || 0),
    transport,
    proxyMode: config?.proxy_mode,
    status: status.status,
    statusContext: status.context || undefined,
    createdAt: record === undefined ? (container?.createdAt ?? new Date(0)) : new Date(record.created_at),
    startedAt: container?.startedAt ?? processStart(record, config),
    labels: userLabels(labels),
    group: config?.group,
    tools: config?.tools_filter ?? [],
    remote,
    limits: confinement?.limits ?? container?.limits,
    jsRuntime: confinement?.js_runtime,
    heldBack: confinement?.held_back,
    weaknesses: confinement?.weaknesses,
    ...(config !== undefined && isProcess(config) ? { process: { isConfined: !config.no_sandbox } } : {}),
  };
}

/** A status changes when a process is up; an engine that could be asked has none. */
function processStart(record: StatusRecord | undefined, config: RunConfig | undefined): Date | undefined {
  if (config === undefined || !isProcess(config) || record?.status !== 'running') return undefined;
  return record.updated_at === undefined ? undefined : new Date(record.updated_at);
}

function transportOf(container: SeenContainer | undefined): Transport {
  const label = container?.labels[LABEL.transport];
  return label === 'sse' || label === 'streamable-http' ? label : 'stdio';
}
