import type { ContainerDetails, Engine } from '../../engine/index.ts';
import { hasCode } from '../../errors/index.ts';
import { sleep } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';
import { findContainer, isUp } from './containers.ts';

const LOOK_EVERY_MS = 100;
const RESTART_WATCH_MS = 1000;
/** Exit codes after SIGKILL and SIGTERM. */
const KILLED_BY_SIGNAL: ReadonlySet<number> = new Set([137, 143]);

interface StopOptions {
  readonly graceSeconds: number;
  /** The container as it was while a supervisor was connected to it, which has let go of it since. */
  readonly released?: ContainerDetails | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Looked up now: the supervisor may have made another container before it ended. */
export async function stopPresent(engine: Engine, name: WorkloadName, options: StopOptions): Promise<void> {
  const container = await findContainer(engine, name, options.signal);
  if (container === undefined || wasNeverStarted(container)) return;
  const graceSeconds = await graceLeft(engine, container, options);
  await stopContainer(engine, container, { ...options, graceSeconds });
}

/** How long a stdio server gets to end by itself once its input has ended. */
const INPUT_GRACE_SECONDS = 2;

/**
 * What is left of the grace period when a stdio server has had time to end with its input, as it should (MCP "Lifecycle", "Shutdown");
 * nothing when it has. Podman ends the input when its supervisor lets go; Docker cannot end that of a container which outlives us.
 */
async function graceLeft(
  { containers, kind }: Engine,
  container: ContainerDetails,
  { graceSeconds, released, signal }: StopOptions,
): Promise<number> {
  if (kind !== 'podman' || released?.Id !== container.Id || !container.Config.OpenStdin) return graceSeconds;
  const startedAt = performance.now();
  const waitedSeconds = () => (performance.now() - startedAt) / 1000;
  for (;;) {
    const now = await containers.find(container.Id, { signal });
    if (now?.State.Running !== true || now.State.StartedAt !== released.State.StartedAt) return 0;
    if (waitedSeconds() >= Math.min(INPUT_GRACE_SECONDS, graceSeconds / 2)) break;
    await sleep(LOOK_EVERY_MS, signal);
  }
  return Math.max(0, Math.ceil(graceSeconds - waitedSeconds()));
}

/** Lets a stdio server end before its container is removed; `released` as in `StopOptions`. */
export async function endStdio(
  engine: Engine,
  released: ContainerDetails,
  options: Omit<StopOptions, 'released'>,
): Promise<void> {
  if (!released.Config.OpenStdin || !isUp(released)) return;
  const graceSeconds = await graceLeft(engine, released, { ...options, released });
  if (graceSeconds > 0) await stopRunning(engine, released.Id, { ...options, graceSeconds });
}

/** Its supervisor was ended between creating and starting it. */
function wasNeverStarted({ State }: ContainerDetails): boolean {
  return !State.Running && new Date(State.StartedAt).getUTCFullYear() <= 1;
}

/**
 * Stops for good the container that was seen as `before`. A stdio server under Podman ends by itself when its supervisor
 * lets go of it, and the engine starts it again, even after a stop: it is watched for a moment and stopped again.
 */
export async function stopContainer(
  engine: Engine,
  before: ContainerDetails,
  { graceSeconds, signal }: StopOptions,
): Promise<void> {
  const { containers, kind } = engine;
  const stopping = stopRunning(engine, before.Id, { graceSeconds, signal });
  await (kind === 'podman'
    ? Promise.all([stopping, killRestarted(engine, before, stopping, signal)])
    : stopping);
  const stopped = await containers.find(before.Id, { signal });
  if (stopped === undefined || (isUp(before) && endedByStop(engine, stopped))) return;
  const deadline = performance.now() + RESTART_WATCH_MS;
  while (performance.now() < deadline) {
    await sleep(LOOK_EVERY_MS, signal);
    const now = await containers.find(before.Id, { signal });
    if (now === undefined) return;
    // It has served nobody yet, so there is nothing to be graceful about.
    if (now.State.Running) await stopRunning(engine, before.Id, { graceSeconds: 0, signal });
  }
}

/** How long an engine may take to see that a server has ended, or is running again. */
const STOP_RETRY_MS = 10_000;

/**
 * Podman refuses to stop what ends by itself in that moment (`container state improper`). What is wanted has happened then, unless the
 * engine starts it again, which takes another stop.
 */
async function stopRunning({ containers }: Engine, id: string, options: StopOptions): Promise<void> {
  const deadline = performance.now() + STOP_RETRY_MS + options.graceSeconds * 1000;
  for (;;) {
    try {
      return await containers.stop(id, options);
    } catch (error) {
      if (!hasCode(error, 'ERR_ENGINE_REQUEST')) throw error;
      const now = await containers.find(id, { signal: options.signal });
      if (now?.State.Running !== true) return;
      if (performance.now() > deadline) throw error;
      await sleep(LOOK_EVERY_MS, options.signal);
    }
  }
}

/**
 * Kills what the engine started again while it was to stop. SIGTERM is lost on the first process of a container whose
 * program does not listen yet, and the whole grace period would be waited out for a server that nobody knows.
 */
async function killRestarted(
  { containers }: Engine,
  before: ContainerDetails,
  stopping: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  stopping.then(over, over);
  while (!isOver) {
    await sleep(LOOK_EVERY_MS, signal);
    const now = isOver ? undefined : await containers.find(before.Id, { signal });
    if (now === undefined) return;
    if (now.State.StartedAt === before.State.StartedAt) continue;
    try {
      return await containers.kill(before.Id, { processSignal: 'SIGKILL', signal });
    } catch (error) {
      if (!hasCode(error, 'ERR_CONTAINER_NOT_RUNNING')) throw error;
    }
  }
}

/** Docker never restarts what was stopped; under Podman it has to be our signal that ended it. */
function endedByStop(engine: Engine, stopped: ContainerDetails): boolean {
  return engine.kind === 'docker' || KILLED_BY_SIGNAL.has(stopped.State.ExitCode);
}
