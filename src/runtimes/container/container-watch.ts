import type { Engine } from '../../engine/index.ts';
import { sleep } from '../../platform/index.ts';
import type { ServerEvent } from '../server.ts';
import { describeLimit } from './container-limits.ts';
import { describeExit, identityOf, isUp } from './containers.ts';

const POLL_MS = 5000;
const CHECK_TIMEOUT_MS = 5000;
const ENGINE_RETRY_MS = 1000;

/**
 * Resolves when the container of that identity is not up any more; `undefined` when `signal` aborts first. The engine's
 * own wait call tells at once, the poll finds what it does not tell (an engine restarted, a wait lost).
 */
export async function watchContainer(
  engine: Engine,
  id: string,
  identity: string,
  signal: AbortSignal,
): Promise<ServerEvent | undefined> {
  while (!signal.aborted) {
    const exitCode = await untilWorthALook(engine, id, signal);
    if (signal.aborted) return undefined;
    const event = await look(engine, id, identity, exitCode);
    if (event !== undefined) return event;
  }
  return undefined;
}

/** One look at the container now; `undefined` when it is up and the same, or when the engine cannot be asked. */
export async function look(
  engine: Engine,
  id: string,
  identity: string,
  exitCode?: number,
): Promise<ServerEvent | undefined> {
  try {
    const details = await engine.containers.find(id, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    if (details === undefined) return { type: 'removed' };
    const limit = describeLimit(details, exitCode ?? details.State.ExitCode);
    if (!isUp(details)) return { type: 'exited', detail: describeExit(details), limit };
    return identityOf(details) === identity ? undefined : { type: 'restarted', limit };
  } catch {
    return undefined; // an engine that does not answer says nothing about the container
  }
}

const CONFIRM_MS = 1000;
const CONFIRM_POLL_MS = 100;

/**
 * Tells an exit from the first half of a removal: engines stop a container before they remove it. Takes a second at
 * most, less when the container is gone or up again.
 */
export async function confirmExit(
  engine: Engine,
  event: ServerEvent,
  id: string,
  signal: AbortSignal,
): Promise<ServerEvent> {
  const deadline = performance.now() + CONFIRM_MS;
  while (event.type === 'exited' && performance.now() < deadline && !signal.aborted) {
    try {
      const details = await engine.containers.find(id, { signal });
      if (details === undefined) return { type: 'removed' };
      if (isUp(details)) return { type: 'restarted' };
    } catch {
      return event; // an engine that does not answer says nothing about the container
    }
    await sleep(CONFIRM_POLL_MS, signal);
  }
  return event;
}

/** Until the engine says the container stopped, with which exit code, or a poll interval has passed. */
async function untilWorthALook(engine: Engine, id: string, signal: AbortSignal): Promise<number | undefined> {
  const round = new AbortController();
  const stop = () => round.abort();
  signal.addEventListener('abort', stop);
  try {
    const stopped = engine.containers.wait(id, { signal: round.signal }).then(
      ({ exitCode }) => exitCode,
      // The engine went away, or the container did: not at once again, or this becomes a busy loop.
      () => sleep(ENGINE_RETRY_MS, round.signal).then(() => undefined),
    );
    return await Promise.race([stopped, sleep(POLL_MS, round.signal).then(() => undefined)]);
  } finally {
    round.abort();
    signal.removeEventListener('abort', stop);
  }
}
