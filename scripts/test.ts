import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openEnvironment, type TestEnvironment } from '../tests/harness/environment.ts';
import { planTests, TIMINGS, WORKERS } from './test-plan.ts';
import { type Failure, parseReport, type TestReport } from './test-report.ts';
import { parseUnstable, UNSTABLE_TESTS } from './unstable.ts';

/** With more files than this, neither chance nor a busy neighbour is an explanation, and nothing is run again. */
const REPEATED_FILES = 10;

interface Outcome extends TestReport {
  readonly exitCode: number;
}

const NOTHING: Outcome = { passed: 0, skipped: 0, failures: [], exitCode: 0 };

/** Default limit of tests and hooks. Most need a second; the rest is slack for slow machines with two processors. */
const TIMEOUT_MS = 120_000;

const FLAGS = ['--fast', '--update-timings'];

const say = (line: string) => process.stderr.write(`test: ${line}\n`);

process.exitCode = await main(Bun.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const fast = args.includes('--fast');
  const plan = planTests(
    args.filter((arg) => !FLAGS.includes(arg)),
    { fast },
  );
  // A first Ctrl-C ends the suites, and we clean up behind them; handlers keep it from ending us on the spot.
  let suites: Bun.Subprocess | undefined;
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      suites?.kill(signal);
    });
  }

  await using environment = fast
    ? openNothing()
    : await openEnvironment(resolve('.cache/tests'), say, [...plan.together, ...plan.alone]);
  for (const omission of environment.omissions) say(`LEFT OUT: ${omission}`);
  if (interrupted) return 130;

  const runSuites = async (files: readonly string[], flags: readonly string[] = []): Promise<Outcome> => {
    if (files.length === 0 || interrupted) return NOTHING;
    const scratch = await mkdtemp(join(tmpdir(), 'thv-report-'));
    const report = join(scratch, 'junit.xml');
    const reporter = ['--reporter', 'junit', '--reporter-outfile', report];
    suites = Bun.spawn(
      [process.execPath, 'test', '--timeout', String(TIMEOUT_MS), ...flags, ...reporter, ...files],
      {
        env: { ...process.env, THV_BINARY: resolve('dist/thv'), ...environment.variables },
        stdin: 'ignore',
        stdout: 'inherit',
        stderr: 'inherit',
      },
    );
    const exitCode = await suites.exited;
    const junit = await readFile(report, 'utf8').catch(() => '');
    await rm(scratch, { recursive: true });
    return { ...parseReport(junit), exitCode };
  };

  const timings = ['--timings', TIMINGS, ...(args.includes('--update-timings') ? ['--update-timings'] : [])];
  const first = sum(
    await runSuites(plan.together.map(exactly), [`--parallel=${WORKERS}`, ...timings]),
    await runSuites(plan.alone.map(exactly)),
  );
  let { failures, exitCode } = first;
  if (failures.length > 0 && !interrupted) {
    process.stderr.write(`${await environment.logs()}\n`);
    for (const failure of failures) sayFailure('FAILED', failure);
    const files = [...new Set(failures.map(({ file }) => exactly(file)))];
    if (files.length <= REPEATED_FILES) {
      say(`once more, alone: ${files.join(' ')}`);
      const again = await runSuites(files);
      if (again.exitCode === 0 && again.passed > 0) {
        await sayUnstable(failures);
        failures = [];
        exitCode = 0;
      } else for (const failure of again.failures) sayFailure('FAILED again', failure);
    }
  }
  if (interrupted) say('interrupted');
  else if (first.passed + first.failures.length === 0) say('nothing ran');
  else if (exitCode !== 0 && failures.length === 0) say(`the suites ended with ${exitCode}`);
  const passed = first.passed + first.failures.length - failures.length;
  process.on('exit', () =>
    process.stdout.write(`${passed} passed, ${failures.length} failed, ${first.skipped} skipped\n`),
  );
  if (interrupted) return 130;
  return exitCode !== 0 || passed === 0 ? 1 : 0;
}

/** The environment of a run that needs neither engines nor images. */
function openNothing(): TestEnvironment {
  return {
    variables: {},
    omissions: [],
    logs: async () => '',
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Names the tests that passed at the second try. A busy machine alone can cause that, so it does not fail the run. */
async function sayUnstable(failures: readonly Failure[]): Promise<void> {
  const listed = parseUnstable(await readFile(UNSTABLE_TESTS, 'utf8'));
  const isListed = ({ file, test }: Failure) => listed.includes(`${file}: ${test}`);
  for (const failure of failures)
    sayFailure(
      isListed(failure) ? 'UNSTABLE, as listed' : `UNSTABLE, and not in ${UNSTABLE_TESTS}: mend it`,
      failure,
    );
  const unlisted = failures.filter((failure) => !isListed(failure)).length;
  say(`${failures.length} needed a second try, alone; ${unlisted} of them not listed in ${UNSTABLE_TESTS}`);
}

/** A path that no other file's path can hold. */
function exactly(file: string): string {
  return `./${file}`;
}

function sum(a: Outcome, b: Outcome): Outcome {
  return {
    passed: a.passed + b.passed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
    exitCode: a.exitCode || b.exitCode,
  };
}

function sayFailure(verdict: string, { file, test, message }: Failure): void {
  say(`${verdict}: ${file}: ${test}\n${message.trim().replaceAll(/^/gm, '      ')}`);
}
