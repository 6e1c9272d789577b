import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';

/** Whether the process exists; one that we may not signal exists too (spec 02 §15-19). */
export function isProcessAlive(processId: number): boolean {
  if (processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a process joined by spaces; `undefined` when it cannot be learned. */
export function commandLineOf(processId: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${processId}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    }
    const command =
      process.platform === 'win32'
        ? [
            'powershell',
            '-NoProfile',
            '-Command',
            `(Get-CimInstance Win32_Process -Filter "ProcessId=${processId}").CommandLine`,
          ]
        : ['ps', '-ww', '-o', 'command=', '-p', String(processId)];
    const result = Bun.spawnSync(command, { stdin: 'ignore', stderr: 'ignore', timeout: 5000 });
    return result.success ? result.stdout.toString().trim() : undefined;
  } catch {
    return undefined; // gone, or not ours to look at
  }
}

/** SIGTERM, then after `patienceMs` SIGKILL; resolves when the process is gone. */
export async function terminateProcess(processId: number, patienceMs: number): Promise<void> {
  sendSignal(processId, 'SIGTERM');
  const deadline = performance.now() + patienceMs;
  while (isProcessAlive(processId) && performance.now() < deadline) await Bun.sleep(20);
  if (!isProcessAlive(processId)) return;
  sendSignal(processId, 'SIGKILL');
  while (isProcessAlive(processId)) await Bun.sleep(20);
}

function sendSignal(processId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(processId, signal);
  } catch {
    // it ended in the meantime, which is what was asked for
  }
}

/** A file for the output of a detached process; what cannot be opened is no reason not to start it, and discards its output. */
export function openOutput(
  path: string,
  onDiscard: (reason: string) => void,
): Disposable & { readonly fd: number } {
  let fd: number;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    onDiscard(error instanceof Error ? error.message : String(error));
    fd = openSync(devNull, 'a');
  }
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

interface DetachOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Receives stdout and stderr; closed in this process by the caller. */
  readonly outputFd: number;
  readonly cwd?: string;
}

/** Starts a process in a session of its own that outlives this one; returns its id. */
export function spawnDetached(command: readonly string[], options: DetachOptions): number {
  const child = Bun.spawn([...command], {
    env: { ...options.env },
    cwd: options.cwd ?? '/',
    stdin: 'ignore',
    stdout: options.outputFd,
    stderr: options.outputFd,
    detached: true,
    windowsHide: true,
  });
  child.unref();
  return child.pid;
}
