import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { openEnvironment, type TestEnvironment } from '../tests/harness/environment.ts';
import { openSuites, sum } from './suites.ts';
import { measureCosts } from './test-costs.ts';
import { planTests, TIMINGS, WORKERS, WORKERS_BESIDE } from './test-plan.ts';
import type { Failure } from './test-report.ts';
import { parseUnstable, UNSTABLE_TESTS } from './unstable.ts';

/** With more files than this, neither chance nor a busy neighbour is an explanation, and nothing is run again. */
const REPEATED_FILES = 10;

const FLAGS = ['--fast', '--update-timings', '--costs'];

const say = (line: string) => process.stderr.write(`test: ${line}\n`);

process.exitCode = await main(Bun.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const fast = args.includes('--fast');
  const plan = planTests(
    args.filter((arg) => !FLAGS.includes(arg)),
    { fast },
  );
  const files = [...plan.together, ...plan.alone, ...plan.beside];
  let variables: TestEnvironment['variables'] = {};
  const suites = openSuites(() => variables);

  await using environment = fast ? openNothing() : await openEnvironment(resolve('.cache/tests'), say, files);
  variables = environment.variables;
  for (const omission of environment.omissions) say(`LEFT OUT: ${omission}`);
  if (suites.isInterrupted) return 130;

  if (args.includes('--costs')) {
    const { table, failed } = await measureCosts(suites, files.map(exactly));
    process.stdout.write(`${table}\n`);
    return failed ? 1 : 0;
  }

  const timings = ['--timings', TIMINGS, ...(args.includes('--update-timings') ? ['--update-timings'] : [])];
  const inParallel = (paths: readonly string[], workers: number) =>
    suites.run(paths.map(exactly), [`--parallel=${workers}`, ...timings]);
  const first = sum([
    await inParallel(plan.together, WORKERS),
    ...(await Promise.all([suites.run(plan.alone.map(exactly)), inParallel(plan.beside, WORKERS_BESIDE)])),
  ]);
  let { failures, exitCode } = first;
  if (failures.length > 0 && !suites.isInterrupted) {
    process.stderr.write(`${await environment.logs()}\n`);
    for (const failure of failures) sayFailure('FAILED', failure);
    const failed = [...new Set(failures.map(({ file }) => exactly(file)))];
    if (failed.length <= REPEATED_FILES) {
      say(`once more, alone: ${failed.join(' ')}`);
      const again = await suites.run(failed);
      if (again.exitCode === 0 && again.passed > 0) {
        await sayUnstable(failures);
        failures = [];
        exitCode = 0;
      } else for (const failure of again.failures) sayFailure('FAILED again', failure);
    }
  }
  if (suites.isInterrupted) say('interrupted');
  else if (first.passed + first.failures.length === 0) say('nothing ran');
  else if (exitCode !== 0 && failures.length === 0) say(`the suites ended with ${exitCode}`);
  const passed = first.passed + first.failures.length - failures.length;
  process.on('exit', () =>
    process.stdout.write(`${passed} passed, ${failures.length} failed, ${first.skipped} skipped\n`),
  );
  if (suites.isInterrupted) return 130;
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

function sayFailure(verdict: string, { file, test, message }: Failure): void {
  say(`${verdict}: ${file}: ${test}\n${message.trim().replaceAll(/^/gm, '      ')}`);
}
