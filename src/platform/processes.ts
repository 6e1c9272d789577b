import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
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

/**
 * When a process began, in the system's own terms: a process id is reused when its process is gone, the two
 * together never. `undefined` for one that has ended, even if its parent has not asked how (proc_pid_stat(5)), and where the system does
 * not tell.
 */
export function beginOfProcess(processId: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      // The program's name, in parentheses, may hold anything; behind it stand the state and, as the 20th, the time.
      const fields = readFileSync(`/proc/${processId}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
    }
    if (process.platform === 'win32') return undefined;
    const command = ['ps', '-o', 'lstart=', '-p', String(processId)];
    const result = Bun.spawnSync(command, { stdin: 'ignore', stderr: 'ignore', timeout: 5000 });
    return result.stdout.toString().trim() || undefined;
  } catch {
    return undefined; // gone
  }
}

/** The environment a process was started with; `undefined` where it cannot be learned. */
export function environmentOf(processId: number): Readonly<Record<string, string>> | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const entries = readFileSync(`/proc/${processId}/environ`, 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(
      entries.map((entry) => [entry.replace(/=.*$/s, ''), entry.replace(/^[^=]*=/, '')]),
    );
  } catch {
    return undefined; // gone, or not ours to look at
  }
}

/** Ids of all processes; none where the system has no cheap list of them. */
export function processIds(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** SIGTERM, then after `patienceMs` SIGKILL; resolves when the process is gone. Another process that gets the same number meanwhile is left alone. */
export async function terminateProcess(processId: number, patienceMs: number): Promise<void> {
  const beganAt = beginOfProcess(processId);
  const isThere = () => isProcessAlive(processId) && beginOfProcess(processId) === beganAt;
  if (process.platform === 'linux' && beganAt === undefined) return;
  sendSignal(processId, 'SIGTERM');
  const deadline = performance.now() + patienceMs;
  while (isThere() && performance.now() < deadline) await Bun.sleep(20);
  if (!isThere()) return;
  sendSignal(processId, 'SIGKILL');
  while (isThere()) await Bun.sleep(20);
}

function sendSignal(processId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(processId, signal);
  } catch {
    // it ended in the meantime, which is what was asked for
  }
}

/** A file for the output of a detached process. When it cannot be opened, the process starts all the same and its output is discarded. */
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
