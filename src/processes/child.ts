import { closeSync } from 'node:fs';
import { ThvError } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { ProcessExit } from './types.ts';

/** A child of ours whose three streams are ours too. */
export type Child = Bun.Subprocess<'pipe', 'pipe', 'pipe'>;

/** Our end of a pipe to a child beside its three streams. */
interface Channel extends Disposable {
  readonly fd: number;
}

/**
 * The channel that the child knows as descriptor `number`. The runtime closes the three streams when a child has ended, but never
 * a pipe beyond them: a caller that opens a fourth pipe takes it here, and disposes of it when nobody reads from it any more.
 */
export function takeChannel(child: Child, number: number): Channel {
  const fd = child.stdio[number];
  if (typeof fd !== 'number') throw new ThvError('ERR_INTERNAL', { reason: 'no channel to the child' });
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

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

/** How long a server gets to end by itself once its input has ended. */
const INPUT_GRACE_MS = 1500;

/**
 * Ends the input of a stdio server, which is how it is told to end (MCP "Lifecycle", "Shutdown"), and waits for that; no longer than half
 * of `graceMs`. Gives what is left of it.
 */
export async function endInput(child: Child, graceMs: number): Promise<number> {
  const startedAt = performance.now();
  try {
    // A server that does not read any more keeps the rest of its input waiting.
    void Promise.resolve(child.stdin.end()).catch(() => undefined);
  } catch {
    // closed already
  }
  await waitForEnd(child, Math.min(INPUT_GRACE_MS, graceMs / 2));
  return Math.max(0, graceMs - (performance.now() - startedAt));
}

/** Waits for its end, but no longer than `timeoutMs`. */
export async function waitForEnd(child: Child, timeoutMs: number): Promise<void> {
  const ended = new AbortController();
  await Promise.race([child.exited, sleep(timeoutMs, ended.signal)]);
  ended.abort();
}
