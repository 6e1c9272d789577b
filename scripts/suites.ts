import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseReport, type TestReport } from './test-report.ts';

/** What one run of suites came to. */
export interface Outcome extends TestReport {
  readonly exitCode: number;
}

/** Runs of the test runner, which all end with the first signal. */
export interface Suites {
  /** Paths hold no other file's path. Nothing is run when there are no files, or after a signal. */
  run(files: readonly string[], flags?: readonly string[]): Promise<Outcome>;
  /** The same for one file, `prefix` put before the command; gives the exit code alone. */
  runBehind(prefix: readonly string[], file: string): Promise<number>;
  readonly isInterrupted: boolean;
}

const NOTHING: Outcome = { passed: 0, skipped: 0, failures: [], exitCode: 0 };

/** Default limit of tests and hooks. Most need a second; the rest is slack for slow machines with two processors. */
const TIMEOUT_MS = 120_000;

/** `variables` is asked when a run begins. A first Ctrl-C ends the suites, and the caller cleans up behind them. */
export function openSuites(variables: () => Readonly<Record<string, string>>): Suites {
  const running = new Set<Bun.Subprocess>();
  let isInterrupted = false;
  // Handlers keep a signal from ending us on the spot.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      for (const each of running) each.kill(signal);
    });
  }

  async function start(prefix: readonly string[], words: readonly string[]): Promise<number> {
    const child = Bun.spawn(
      [...prefix, process.execPath, 'test', '--timeout', String(TIMEOUT_MS), ...words],
      {
        env: { ...process.env, THV_BINARY: resolve('dist/thv'), ...variables() },
        stdin: 'ignore',
        stdout: 'inherit',
        stderr: 'inherit',
      },
    );
    running.add(child);
    const exitCode = await child.exited;
    running.delete(child);
    return exitCode;
  }

  return {
    async run(files, flags = []) {
      if (files.length === 0 || isInterrupted) return NOTHING;
      const scratch = await mkdtemp(join(tmpdir(), 'thv-report-'));
      const report = join(scratch, 'junit.xml');
      const reporter = ['--reporter', 'junit', '--reporter-outfile', report];
      const exitCode = await start([], [...flags, ...reporter, ...files]);
      const junit = await readFile(report, 'utf8').catch(() => '');
      await rm(scratch, { recursive: true });
      return { ...parseReport(junit), exitCode };
    },
    runBehind: (prefix, file) => start(prefix, [file]),
    get isInterrupted() {
      return isInterrupted;
    },
  };
}

/** What several runs came to together. */
export function sum(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce(
    (a, b) => ({
      passed: a.passed + b.passed,
      skipped: a.skipped + b.skipped,
      failures: [...a.failures, ...b.failures],
      exitCode: a.exitCode || b.exitCode,
    }),
    NOTHING,
  );
}
