import type { Logger } from './log.ts';

/** Owner of work that nobody awaits: failures are logged, and shutdown waits for what is still under way. */
export interface Background {
  run(name: string, task: () => Promise<void>): void;
  /** Resolves when all tasks have ended, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

export function createBackground(logger: Logger): Background {
  const tasks = new Set<Promise<void>>();
  return {
    run(name, task) {
      const running = task()
        .catch((error: unknown) => logger.error('background task failed', { task: name, error }))
        .finally(() => tasks.delete(running));
      tasks.add(running);
    },
    async drain(timeoutMs) {
      await Promise.race([Promise.allSettled(tasks), Bun.sleep(timeoutMs)]);
    },
  };
}
