import { availableParallelism } from 'node:os';

/** Test files of a run, by how they can be run. Paths are relative to the repository's root. */
export interface TestPlan {
  /** Independent of each other: several run at the same time. */
  readonly together: readonly string[];
  /** Run one after the other, with the machine to themselves. */
  readonly alone: readonly string[];
}

/**
 * Files that measure time or memory under load, or make so much load that others would miss their deadlines. Everything else
 * makes a world of its own (`tests/harness/world.ts`) and does not notice its neighbours.
 */
const ALONE = [
  'tests/api/hostile.test.ts',
  'tests/api/load.test.ts',
  'tests/e2e/crash-recovery.test.ts',
  'tests/e2e/hand-over.test.ts',
  'tests/e2e/large-and-noisy.test.ts',
  'tests/e2e/many-clients.test.ts',
  // It sees that a port is free again, which another file may have taken by then.
  'tests/faults/dedicated.test.ts',
  'tests/proxy/hostile.test.ts',
  'tests/proxy/limits.test.ts',
  // The clients have deadlines of their own, of a few seconds.
  'tests/real-clients/commands.test.ts',
  'tests/real-clients/sdks.test.ts',
];

/** How long each file took, so that the slowest start first; written by `scripts/test --update-timings`. */
export const TIMINGS = 'tests/timings.json';

/** One more than there are processors: most files wait for engines and servers more than they compute. */
export const WORKERS = availableParallelism() + 1;

/** All test files, or those whose path holds one of `filters`. */
export function planTests(filters: readonly string[]): TestPlan {
  const files = [...new Bun.Glob('{src,tests}/**/*.test.ts').scanSync('.')]
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(withoutPrefix(filter))))
    .sort();
  return {
    together: files.filter((file) => !ALONE.includes(file)),
    alone: files.filter((file) => ALONE.includes(file)),
  };
}

/** What a shell completes to, `./tests/cli`, means the same as `tests/cli`. */
function withoutPrefix(filter: string): string {
  return filter.replace(/^\.\//, '');
}
