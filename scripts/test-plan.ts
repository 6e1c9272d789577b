import { availableParallelism } from 'node:os';

/** Test files of a run, by how they can be run. Paths are relative to the repository's root. */
export interface TestPlan {
  /** Independent of each other: several run at the same time. */
  readonly together: readonly string[];
  /** Run one after the other, with the processors to themselves. */
  readonly alone: readonly string[];
  /** Need next to no processor time: run beside those. */
  readonly beside: readonly string[];
}

/**
 * The only files that need the processors to themselves, because a deadline in them is a promise of the program or of somebody
 * else's client and must not be longer on a busy machine. The list stays short: everything else makes a world of its own
 * (`tests/harness/world.ts`) and waits for conditions.
 */
const ALONE = [
  // All servers answer again within two seconds of the crash.
  'tests/e2e/crash-recovery.test.ts',
  // No client waits longer than two seconds while a newer executable takes over.
  'tests/e2e/hand-over.test.ts',
  // The clients give a server a few seconds to answer, and cannot be told to wait longer.
  'tests/real-clients/commands.test.ts',
];

/** Files that wait for deadlines of half a minute or for silence, and compute for less than a tenth of their time. */
const BESIDE = [
  'src/api/listen/listen.test.ts',
  'tests/faults/unfinished-bodies.test.ts',
  'tests/proxy/listener.test.ts',
  'tests/proxy/reverse-proxy.test.ts',
];

/** `--fast`: unit tests, and what needs the proxy or the API but no engine. */
const FAST = ['src/', 'tests/proxy/', 'tests/api/'];

/** What in these folders needs an engine and is left out of `--fast`. */
const WITH_ENGINE = ['tests/api/hostile.test.ts', 'tests/api/load.test.ts', 'tests/api/workloads.test.ts'];

/** How long each file takes, so that the longest start first; `scripts/test --update-timings` rewrites it. */
export const TIMINGS = 'tests/timings.json';

/**
 * Three more than processors: a file computes for less than half of its time, engines included, and waits for the rest
 * (`scripts/test --costs`). With more, servers miss deadlines that are promises.
 */
export const WORKERS = availableParallelism() + 3;
/** Those of the files that wait beside the ones that run alone. */
export const WORKERS_BESIDE = 2;

/** All test files, or those whose path holds one of `filters`. */
export function planTests(filters: readonly string[], { fast = false } = {}): TestPlan {
  const files = [...new Bun.Glob('{src,tests}/**/*.test.ts').scanSync('.')]
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(withoutPrefix(filter))))
    .filter((file) => !fast || isFast(file))
    .sort();
  const alone = files.filter((file) => ALONE.includes(file));
  const beside = alone.length === 0 ? [] : files.filter((file) => BESIDE.includes(file));
  return { together: files.filter((file) => ![...alone, ...beside].includes(file)), alone, beside };
}

function isFast(file: string): boolean {
  return FAST.some((folder) => file.startsWith(folder)) && !WITH_ENGINE.includes(file);
}

/** What a shell completes to, `./tests/cli`, means the same as `tests/cli`. */
function withoutPrefix(filter: string): string {
  return filter.replace(/^\.\//, '');
}
