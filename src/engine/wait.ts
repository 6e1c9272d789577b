import type { Call, EngineHttp } from './http.ts';
import type { Engine } from './types.ts';

/** How often Podman is to look: 25 ms of processor time in 4 s, where its own interval costs 2.8 s (4.3, two cores). */
const PODMAN_INTERVAL = '100ms';

/** The states of Podman in which a container does not run; one that was never started is `created`. */
const PODMAN_STATES = ['exited', 'stopped', 'created', 'removing'];

/**
 * The exit code of a container, once it does not run any more; negative when the engine does not tell it. `path` is the container's.
 *
 * Podman before 4.6 looks at a container without a pause for as long as a request of Docker's API waits for its end, which takes
 * most of a processor for each server that runs (https://github.com/containers/podman/issues/18150). Its own API takes an interval.
 */
export async function waitForEnd(
  http: EngineHttp,
  kind: Engine['kind'],
  path: string,
  options: Partial<Call>,
): Promise<number> {
  const call = { method: 'POST', timeoutMs: Infinity, ...options } as const;
  if (kind === 'podman')
    return await http.json<number>({
      path: `/libpod${path}/wait`,
      query: { interval: PODMAN_INTERVAL, condition: PODMAN_STATES },
      ...call,
    });
  const { StatusCode } = await http.json<{ readonly StatusCode: number }>({ path: `${path}/wait`, ...call });
  return StatusCode;
}
