import { ThvError } from '../errors/index.ts';
import { type Logger, parseDuration } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RunEnvironment } from './environment.ts';

const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;
const MIN_SESSION_TTL_MS = 1000;

/** How long a call may take (spec 04 §6.6), in milliseconds. */
export function requestTimeoutMs(environment: RunEnvironment, log: Logger): number {
  return durationOf(environment, 'TOOLHIVE_PROXY_REQUEST_TIMEOUT', DEFAULT_REQUEST_TIMEOUT_MS, log);
}

/** How a server behind the reverse proxy is watched (spec 04 §9.2). */
export function healthSettings(environment: RunEnvironment, log: Logger) {
  const duration = (name: string, fallback: number) =>
    durationOf(environment, `TOOLHIVE_HEALTH_CHECK_${name}`, fallback, log);
  return {
    intervalMs: duration('INTERVAL', 10_000),
    pingTimeoutMs: duration('PING_TIMEOUT', 5000),
    retryDelayMs: duration('RETRY_DELAY', 5000),
    failureThreshold: countOf(environment, 'TOOLHIVE_HEALTH_CHECK_FAILURE_THRESHOLD', 5, log),
  };
}

/**
 * Idle time after which a session ends; `undefined` for the default. A stored value that cannot be used makes the start
 * fail (spec 04 §3). Throws `ERR_RUN_CONFIG_INVALID`.
 */
export function sessionTtlMs(config: RunConfig): number | undefined {
  const text = config.session_ttl ?? '';
  if (text === '') return undefined;
  const parsed = parseDuration(text);
  if ('ms' in parsed && parsed.ms === 0) return undefined;
  if ('ms' in parsed && parsed.ms >= MIN_SESSION_TTL_MS) return parsed.ms;
  const problem = 'ms' in parsed ? `session-ttl must be at least 1s, got ${text}` : parsed.problem;
  throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: `invalid session_ttl "${text}": ${problem}` });
}

/** What is not a positive duration is warned about and ignored. */
function durationOf(environment: RunEnvironment, name: string, fallbackMs: number, log: Logger): number {
  const text = environment[name] ?? '';
  if (text === '') return fallbackMs;
  const parsed = parseDuration(text);
  if ('ms' in parsed && parsed.ms > 0) return parsed.ms;
  log.warn('ignoring an environment variable that is not a positive duration', {
    variable: name,
    value: text,
  });
  return fallbackMs;
}

function countOf(environment: RunEnvironment, name: string, fallback: number, log: Logger): number {
  const text = environment[name] ?? '';
  if (text === '') return fallback;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  log.warn('ignoring an environment variable that is not a positive number', { variable: name, value: text });
  return fallback;
}
