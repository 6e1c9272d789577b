import { readFile } from 'node:fs/promises';
import { sleep } from '../platform/index.ts';
import type { ContainerDetails, Containers } from './types.ts';

const LOOK_EVERY_MS = 250;
/** SIGTERM is 15, and the masks of proc(5) begin with signal 1. */
const SIGTERM_BIT = 1n << 14n;
/** Docker names the signal, Podman numbers it; without one it is SIGTERM. */
const TERMINATION: ReadonlySet<string> = new Set(['', 'SIGTERM', 'TERM', '15']);

/**
 * Helps a stop where waiting has no use: the kernel drops SIGTERM for process 1 of a container when it has no handler
 * (pid_namespaces(7)), as with plain Python, or has none any more, as with Node.js, which resets its own and sends the signal to
 * itself. Engines would wait out the grace period. A process that stays deaf is killed. One that
 * was deaf only because it was just starting gets the signal again. This works only where the process is visible from here, so
 * not when the engine runs in a virtual machine. Ends when `stopping` is aborted.
 */
export async function helpDeaf(
  containers: Pick<Containers, 'find' | 'kill'>,
  idOrName: string,
  stopping: AbortSignal,
): Promise<void> {
  const details = await containers.find(idOrName, { signal: stopping });
  if (details === undefined) return;
  const { StopSignal = '' } = details.Config as { readonly StopSignal?: string | number };
  if (!TERMINATION.has(String(StopSignal))) return;
  const kill = (processSignal: string) => containers.kill(details.Id, { processSignal, signal: stopping });
  for (let wasDeaf = false; !stopping.aborted; await sleep(LOOK_EVERY_MS, stopping)) {
    const isHeard = await hearsTermination(details);
    if (isHeard === undefined) return;
    if (!isHeard && wasDeaf) return await kill('SIGKILL');
    if (isHeard && wasDeaf) await kill('SIGTERM');
    wasDeaf = !isHeard;
  }
}

/** `undefined`: the process is gone, or is not to be seen from here. */
async function hearsTermination({ Id, State: { Pid } }: ContainerDetails): Promise<boolean | undefined> {
  try {
    // The number may mean another process here than it does to the engine.
    const groups = await readFile(`/proc/${Pid}/cgroup`, 'utf8');
    if (!groups.includes(Id)) return undefined;
    const status = await readFile(`/proc/${Pid}/status`, 'utf8');
    const isFirst = /^NSpid:.*\t1$/m.test(status);
    // One that blocks it waits for it by other means: signalfd(2), sigwaitinfo(2).
    const masks = [...status.matchAll(/^Sig(?:Cgt|Ign|Blk):\s*([0-9a-f]+)$/gm)];
    return !isFirst || masks.some(([, mask]) => (BigInt(`0x${mask}`) & SIGTERM_BIT) !== 0n);
  } catch {
    return undefined;
  }
}
