// The core has levels and reporters. Its sibling with a reporter for terminals takes 8 ms to load: see `cli/terminal-log.ts`.
import { createConsola, LogLevels } from 'consola/core';
import { describeFault, isFault, withoutSecrets } from '../errors/index.ts';
import { formatLocalTime } from './local-time.ts';

/**
 * Log lines for operators. A message is a constant sentence; facts are fields, named alike everywhere (`workload`,
 * `container`, `session`, `error`). Secrets are never fields.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

interface LoggerOptions {
  /** Least level that is logged; default INFO. */
  readonly level?: LogLevel;
  readonly fields?: LogFields;
}

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  /** Errors as their message; beside that of a fault of ours on the level ERROR stand `code`, `causes` and `stack`. */
  readonly fields: LogFields;
}

const LEVELS: Readonly<Record<LogLevel, number>> = {
  DEBUG: LogLevels.debug,
  INFO: LogLevels.info,
  WARN: LogLevels.warn,
  ERROR: LogLevels.error,
};

/**
 * A log for programs: `write` receives one JSON object per line, newline included, with `time level msg` and the fields (spec 01
 * §2.2).
 */
export function createLogger({
  write,
  now = () => new Date(),
  ...options
}: LoggerOptions & {
  readonly write: (line: string) => void;
  readonly now?: () => Date;
}): Logger {
  return createReportingLogger({
    ...options,
    report: ({ level, message: msg, fields }) =>
      write(`${JSON.stringify({ time: formatLocalTime(now(), 'seconds'), level, msg, ...fields })}\n`),
  });
}

/** A log whose lines another function formats. */
export function createReportingLogger(
  options: LoggerOptions & { readonly report: (entry: LogEntry) => void },
): Logger {
  const { report, fields = {} } = options;
  const sink = createConsola({
    level: LEVELS[options.level ?? 'INFO'],
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const [message, extra] = args as [string, LogFields | undefined];
          const level = levelOf(type);
          report({ level, message, fields: plainFields({ ...fields, ...extra }, level) });
        },
      },
    ],
  });
  return {
    debug: (message, extra) => sink.debug(message, extra),
    info: (message, extra) => sink.info(message, extra),
    warn: (message, extra) => sink.warn(message, extra),
    error: (message, extra) => sink.error(message, extra),
    with: (extra) => createReportingLogger({ ...options, fields: { ...fields, ...extra } }),
  };
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};

function levelOf(type: string): LogLevel {
  const level = type.toUpperCase();
  return level in LEVELS ? (level as LogLevel) : 'INFO';
}

function plainFields(fields: LogFields, level: LogLevel): LogFields {
  const { error } = fields;
  // What fails where it was foreseen is told below ERROR, and its stack says nothing.
  const fault = level === 'ERROR' && error instanceof Error && isFault(error) ? describeFault(error) : {};
  const facts = Object.entries(fields).map(([key, value]) => [key, plain(value)]);
  return { ...Object.fromEntries(facts), ...fault };
}

function plain(value: unknown): unknown {
  return value instanceof Error ? withoutSecrets(value.message) : value;
}
