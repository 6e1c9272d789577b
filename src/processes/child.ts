import { sleep } from '../platform/index.ts';
import type { ProcessExit } from './types.ts';

/** A child of ours whose three streams are ours too. */
export type Child = Bun.Subprocess<'pipe', 'pipe', 'pipe'>;

export function hasEnded(child: Child): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** How a child that has ended did so. */
export function exitOf(child: Child): ProcessExit {
  return {
    exitCode: child.exitCode ?? undefined,
    signal: child.signalCode === null ? undefined : String(child.signalCode),
  };
}

/** Waits for its end, but no longer than `timeoutMs`. */
export async function waitForEnd(child: Child, timeoutMs: number): Promise<void> {
  const ended = new AbortController();
  await Promise.race([child.exited, sleep(timeoutMs, ended.signal)]);
  ended.abort();
}
