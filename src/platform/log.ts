import { createConsola, LogLevels } from 'consola/core';
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
  /** Least level that is written; default INFO. */
  readonly level?: LogLevel;
  /** `json`: one object per line with `time level msg` and the fields (spec 01 §2.2). `text`: short lines for people. */
  readonly format?: 'json' | 'text';
  /** Receives each finished line, newline included. */
  readonly write: (line: string) => void;
  readonly fields?: LogFields;
  readonly now?: () => Date;
}

const LEVELS: Readonly<Record<LogLevel, number>> = {
  DEBUG: LogLevels.debug,
  INFO: LogLevels.info,
  WARN: LogLevels.warn,
  ERROR: LogLevels.error,
};

export function createLogger(options: LoggerOptions): Logger {
  const { write, format = 'json', fields = {}, now = () => new Date() } = options;
  const render = format === 'json' ? jsonLine : textLine;
  const sink = createConsola({
    level: LEVELS[options.level ?? 'INFO'],
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const [message, extra] = args as [string, LogFields | undefined];
          write(render(now(), levelOf(type), message, { ...fields, ...extra }));
        },
      },
    ],
  });
  return {
    debug: (message, extra) => sink.debug(message, extra),
    info: (message, extra) => sink.info(message, extra),
    warn: (message, extra) => sink.warn(message, extra),
    error: (message, extra) => sink.error(message, extra),
    with: (extra) => createLogger({ ...options, fields: { ...fields, ...extra } }),
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

function jsonLine(time: Date, level: LogLevel, msg: string, fields: LogFields): string {
  const facts = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plain(value)]));
  return `${JSON.stringify({ time: formatLocalTime(time, 'seconds'), level, msg, ...facts })}\n`;
}

function textLine(_time: Date, level: LogLevel, msg: string, fields: LogFields): string {
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${textValue(plain(value))}`)
    .join('');
  return `${level.padEnd(5)} ${msg}${facts}\n`;
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? 'null');
}

/** Errors as their message: stacks belong to our own faults only, and those are logged as a field of their own. */
function plain(value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
