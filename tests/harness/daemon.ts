import { openSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

/** A program in the background that the suites need, with a log file. Ends on disposal. */
export interface Daemon extends AsyncDisposable {
  readonly name: string;
  readonly logPath: string;
}

interface DaemonOptions {
  readonly command: readonly string[];
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isReady: () => Promise<boolean>;
  readonly deadlineMs?: number;
}

/** Resolves when the daemon is ready; otherwise ends it and throws with the end of its log. */
export async function startDaemon(name: string, options: DaemonOptions): Promise<Daemon> {
  const logPath = join(options.folder, `${name}.log`);
  const log = openSync(logPath, 'a');
  const child = Bun.spawn([...options.command], {
    env: { ...process.env, ...options.env },
    cwd: options.folder,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    // A Ctrl-C at the terminal is for us; the daemon is needed until the containers are gone.
    detached: true,
  });
  const daemon = {
    name,
    logPath,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await child.exited;
      clearTimeout(timer);
    },
  };
  try {
    await waitFor(
      async () => ({ ready: await options.isReady().catch(() => false), exitCode: child.exitCode }),
      ({ ready, exitCode }) => ready || exitCode !== null,
      { what: `${name} is ready`, deadlineMs: options.deadlineMs ?? 30_000 },
    );
    if (child.exitCode !== null) throw new Error(`${name} ended with status ${child.exitCode}`);
    return daemon;
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw new Error(`${error}\n${await tailOf(logPath)}`);
  }
}

export async function tailOf(path: string, lines = 20): Promise<string> {
  return (await Bun.file(path).text()).split('\n').slice(-lines).join('\n');
}
