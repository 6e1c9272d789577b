// The reporter for terminals is not exported, so a second consola is made around it, and what was decided by the log's own is
// switched off in it: levels, throttling, the choice of stream.
import type { createConsola } from 'consola';
import type { LogEntry } from '../platform/index.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

const METHODS = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Log lines for people, in the looks of consola's own reporter. It takes 8 ms to load and most commands log nothing, so it is
 * loaded with the first line; `require`, because a line must be out before the process ends.
 */
export function createTerminalReport(terminal: Terminal): (entry: LogEntry) => void {
  let consola: ReturnType<typeof createConsola> | undefined;
  const stream = { write: (line: string) => terminal.err(line, 'own') } as unknown as NodeJS.WriteStream;
  return ({ level, message, fields }) => {
    consola ??= (require('consola') as { readonly createConsola: typeof createConsola }).createConsola({
      // The option that chooses the reporter is missing in the types of the package.
      ...{ fancy: true },
      // What is to be written was decided before.
      level: Number.POSITIVE_INFINITY,
      throttle: 0,
      formatOptions: { date: false, colors: terminal.hasColours, columns: 0 },
      stdout: stream,
      stderr: stream,
    });
    const facts = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${textValue(value)}`)
      .join('');
    consola[METHODS[level]](visible(`${message}${facts}`));
  };
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? 'null');
}
