import { readFileSync } from 'node:fs';

/** Numbers of the signals that end a command, for exit codes of the form 128 + n. */
const NUMBERS = { SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

export interface Interruption {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Exit code of a command that was cut short; `undefined` while no signal came. */
  exitCode(): number | undefined;
}

interface Process {
  on(name: keyof typeof NUMBERS, listener: () => void): unknown;
  exit(code: number): void;
}

/** SIGINT, SIGTERM and SIGQUIT cancel the command; a second SIGINT ends the process at once (spec 01 §2.5, §14-8). */
export function watchSignals(process: Process): Interruption {
  const controller = new AbortController();
  let first: keyof typeof NUMBERS | undefined;
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (first !== undefined && name === 'SIGINT') process.exit(130);
      first ??= name;
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    exitCode: () => (first === undefined ? undefined : 128 + NUMBERS[first]),
  };
}

/** Called by commands that take their time to end: from now on the next SIGINT or SIGTERM ends the process on the spot (spec 10 §20-21). */
export function endAtNextSignal(process: Process): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => process.exit(128 + NUMBERS[name]));
}

/**
 * Makes a closed terminal end a foreground server as SIGTERM does, together with what it serves, instead of on the spot. A command
 * that was started to outlive its terminal (nohup) still ignores it.
 */
export function endAtHangUp(process: NodeJS.Process): void {
  if (isHangUpIgnored(process.platform)) return;
  process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
}

function isHangUpIgnored(platform: NodeJS.Platform): boolean {
  if (platform !== 'linux') return platform === 'win32';
  const [, ignored = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${ignored}`) & 1n) === 1n;
}
