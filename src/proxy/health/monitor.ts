import type { Logger } from '../../platform/index.ts';
import type { Health } from '../types.ts';

/** `TOOLHIVE_HEALTH_CHECK_*` (spec 04 §9.2); times in milliseconds. */
export interface HealthMonitorSettings {
  /** Default 10 s. */
  readonly intervalMs?: number;
  /** Limit of one ping; default 5 s. */
  readonly pingTimeoutMs?: number;
  /** Wait before the second ping of a failed tick; default 5 s. */
  readonly retryDelayMs?: number;
  /** Failed ticks in a row after which the server counts as lost; default 5. With 1 there is no second ping. */
  readonly failureThreshold?: number;
}

export interface HealthMonitorOptions extends HealthMonitorSettings {
  readonly ping: (timeoutMs: number) => Promise<Health>;
  /** Called once per loss; the monitor then waits for `ready` again. */
  readonly onUnhealthy: (health: Health) => void;
  readonly log: Logger;
}

export interface HealthMonitor extends Disposable {
  /** The server has served a client: failures count from now on. Cheap, called per request. */
  ready(): void;
  /** The server is taken down on purpose, or another took its place. */
  reset(): void;
}

export const DEFAULT_PING_TIMEOUT_MS = 5000;
const DEFAULT_INTERVAL_MS = 10_000;
const DEFAULT_RETRY_DELAY_MS = 5000;
const DEFAULT_THRESHOLD = 5;

export function createHealthMonitor(options: HealthMonitorOptions): HealthMonitor {
  const { ping, onUnhealthy, log } = options;
  const intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
  const pingTimeoutMs = options.pingTimeoutMs ?? DEFAULT_PING_TIMEOUT_MS;
  const retryDelayMs = options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS;
  const threshold = options.failureThreshold ?? DEFAULT_THRESHOLD;
  /** Another number once the server is another; late answers look at it. */
  let generation = 0;
  let counting = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function schedule(work: (of: number) => Promise<void>, delayMs: number): void {
    const of = generation;
    timer = setTimeout(() => {
      work(of).catch((error) => log.error('health monitor failed', { error }));
    }, delayMs);
    timer.unref();
  }

  async function tick(of: number): Promise<void> {
    const health = await ping(pingTimeoutMs);
    if (of !== generation) return;
    if (health.available) {
      failures = 0;
      schedule(tick, intervalMs);
      return;
    }
    failures += 1;
    log.warn('health check failed', { failures, threshold, error: health.error });
    if (failures >= threshold) lost(health);
    else schedule(retry, retryDelayMs);
  }

  /** A success takes all failures back, another failure adds nothing. */
  async function retry(of: number): Promise<void> {
    const health = await ping(pingTimeoutMs);
    if (of !== generation) return;
    if (health.available) failures = 0;
    schedule(tick, intervalMs);
  }

  function lost(health: Health): void {
    reset();
    onUnhealthy(health);
  }

  function reset(): void {
    generation += 1;
    counting = false;
    failures = 0;
    clearTimeout(timer);
  }

  return {
    ready() {
      if (counting) return;
      counting = true;
      schedule(tick, intervalMs);
    },
    reset,
    [Symbol.dispose]() {
      reset();
      counting = true;
    },
  };
}
