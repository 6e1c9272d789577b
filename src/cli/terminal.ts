import { fstatSync, statSync, writeSync } from 'node:fs';
import { messageOf, ThvError } from '../errors/index.ts';
import { createVisibleText } from './visible.ts';

/**
 * The three standard streams as commands use them. Writing is synchronous: a full pipe holds the command back. Output to a
 * terminal never carries control sequences of others, whatever its source; pipes and files get every byte as it is.
 */
export interface Terminal {
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** Width of the terminal that stdout is, in characters; `undefined` when it is none, or does not tell. */
  readonly columns: number | undefined;
  /** Stdout is a terminal, and nobody asked for no colours (https://no-color.org). */
  readonly hasColours: boolean;
  /**
   * Results. `false` when nobody reads them any more; the command decides whether to go on. `own`: it holds sequences of ours,
   * and what others wrote in it has been through `visible`.
   */
  out(content: string | Uint8Array, origin?: 'own'): boolean;
  /** Errors, warnings, logs, notices. */
  err(content: string | Uint8Array, origin?: 'own'): boolean;
}

export function openTerminal(env: Readonly<Record<string, string | undefined>> = process.env): Terminal {
  const open = { 1: true, 2: true };
  const filters = { 1: filterFor(1), 2: filterFor(2) };
  // What nobody reads any more is dropped: a command that changes things must not die of it half-way.
  const write = (fd: 1 | 2, content: string | Uint8Array) => {
    open[fd] &&= writeFully(fd, content);
    return open[fd];
  };
  return {
    get stdinIsTty() {
      return isTerminal(0);
    },
    get stdoutIsTty() {
      return isTerminal(1);
    },
    get stderrIsTty() {
      return isTerminal(2);
    },
    get columns() {
      return isTerminal(1) ? process.stdout.columns || undefined : undefined;
    },
    get hasColours() {
      return isTerminal(1) && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    },
    out: (content, origin) => write(1, origin === 'own' ? content : filters[1](content)),
    err: (content, origin) => write(2, origin === 'own' ? content : filters[2](content)),
  };
}

/** The one place where text reaches a terminal. Whether there is one is looked up with the first write. */
function filterFor(fd: 1 | 2): (content: string | Uint8Array) => string | Uint8Array {
  let filter: ((content: string | Uint8Array) => string | Uint8Array) | undefined;
  return (content) => {
    filter ??= isTerminal(fd) ? createVisibleText() : (passed) => passed;
    return filter(content);
  };
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

/**
 * A character device other than the null device. `node:tty` would say the same, but brings the whole machinery of streams
 * along: 2.5 ms, half of what an empty program takes to start.
 */
function isTerminal(fd: 0 | 1 | 2): boolean {
  if (process.platform === 'win32')
    return [process.stdin, process.stdout, process.stderr][fd]?.isTTY === true;
  try {
    const file = fstatSync(fd);
    return file.isCharacterDevice() && file.rdev !== statSync('/dev/null').rdev;
  } catch {
    return false; // our parent process closed it
  }
}

/** `false` when the reading end is closed. */
function writeFully(fd: number, content: string | Uint8Array): boolean {
  let rest = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  while (rest.byteLength > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // Another process that shares the pipe made it non-blocking; its buffer is full for the moment.
      if (code === 'EAGAIN') Bun.sleepSync(1);
      else if (code === 'EPIPE' || code === 'EBADF' || code === 'EOF') return false;
      else if (fd === 2)
        return false; // nobody is left to tell
      else {
        const reason = `failed to write to stdout: ${messageOf(error)}`;
        throw new ThvError('ERR_FILE_UNWRITABLE', { path: 'stdout', reason }, { cause: error });
      }
    }
  }
  return true;
}
