import type { ContainerDetails, ContainerSummary, Engine } from '../../engine/index.ts';
import { ThvError } from '../../errors/index.ts';
import { type Logger, startDeadline } from '../../platform/index.ts';
import {
  formatMemory,
  LABEL,
  parseWorkloadName,
  type WorkloadName,
  type WorkloadStatus,
} from '../../records/index.ts';
import type { Looking, Sighting } from '../runtime.ts';
import { findContainer } from './containers.ts';

/** A workload's container as its engine shows it. */
export async function sightContainer(
  engine: Engine,
  name: WorkloadName,
  looking: Looking,
): Promise<Sighting | undefined> {
  const details = await patiently(engine, looking, (signal) => findContainer(engine, name, signal));
  return details === undefined ? undefined : fromDetails(details);
}

/** All managed containers by their workload; those that only help a workload are left out. */
export async function sightContainers(
  engine: Engine,
  logger: Logger,
  looking: Looking,
): Promise<ReadonlyMap<WorkloadName, Sighting>> {
  const labels = [`${LABEL.managed}=true`];
  const found = await patiently(engine, looking, (signal) =>
    engine.containers.list({ all: true, labels }, { signal }),
  );
  const byName = new Map<WorkloadName, ContainerSummary>();
  for (const container of found) {
    if (container.Labels[LABEL.auxiliaryWorkload] === 'true') continue;
    const raw = container.Labels[LABEL.baseName] || (container.Names[0] ?? '').replace(/^\//, '');
    try {
      const name = parseWorkloadName(raw);
      if (!byName.has(name) || container.State === 'running') byName.set(name, container);
    } catch {
      logger.warn('skipping container with an unusable workload name', { container: raw });
    }
  }
  return new Map([...byName].map(([name, summary]) => [name, fromSummary(summary)]));
}

/** Throws `ERR_ENGINE_UNAVAILABLE` for an engine that accepts the question and goes silent. */
async function patiently<Answer>(
  { kind, address }: Engine,
  { signal, patienceMs }: Looking,
  ask: (signal: AbortSignal | undefined) => Promise<Answer>,
): Promise<Answer> {
  if (patienceMs === undefined) return await ask(signal);
  using deadline = startDeadline({ signal, timeoutMs: patienceMs });
  try {
    return await ask(deadline.signal);
  } catch (error) {
    if (!deadline.expired) throw error;
    const reason = `${kind} at ${address} did not answer within ${patienceMs / 1000} seconds`;
    throw new ThvError('ERR_ENGINE_UNAVAILABLE', { reason }, { cause: error });
  }
}

function fromSummary({ Image, State, Labels, Created }: ContainerSummary): Sighting {
  return {
    image: Image,
    ...inState(State),
    isUp: State === 'running',
    labels: Labels,
    createdAt: new Date(Created * 1000),
    startedAt: undefined,
  };
}

function fromDetails({ Config, State, Created, HostConfig }: ContainerDetails): Sighting {
  const startedAt = new Date(State.StartedAt);
  return {
    image: Config.Image,
    ...inState(State.Restarting ? 'restarting' : State.Status),
    isUp: State.Running && !State.Restarting,
    labels: Config.Labels ?? {},
    createdAt: new Date(Created),
    startedAt: startedAt.getUTCFullYear() > 1 ? startedAt : undefined,
    limits: limitsOf(HostConfig),
  };
}

/** A supervisor that was ended early leaves a container that was never started: down, though it looks like starting. */
function inState(state: string): Pick<Sighting, 'status' | 'isDown'> {
  const status = statusOf(state);
  return { status, isDown: status === 'stopped' || state === 'created' || state === 'configured' };
}

/** Engine state to workload status (spec 03 §2.3). */
function statusOf(state: string): WorkloadStatus {
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

function limitsOf({ Memory: bytes, NanoCpus: cpus, PidsLimit: pids }: ContainerDetails['HostConfig']) {
  const held_by = 'container engine';
  return {
    ...(bytes ? { memory: { limit: formatMemory(bytes), held_by } } : {}),
    ...(cpus ? { cpus: { limit: cpus / 1e9, held_by } } : {}),
    ...(pids && pids > 0 ? { pids: { limit: pids, held_by } } : {}),
  };
}
