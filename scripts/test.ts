import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openEnvironment } from '../tests/harness/environment.ts';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const say = (line: string) => process.stderr.write(`test: ${line}\n`);

process.exitCode = await main(Bun.argv.slice(2));

async function main(filters: readonly string[]): Promise<number> {
  // A first Ctrl-C ends the suites, and we clean up behind them; handlers keep it from ending us on the spot.
  let suites: Bun.Subprocess | undefined;
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      suites?.kill(signal);
    });
  }

  await using environment = await openEnvironment(resolve('.cache/tests'), say);
  for (const omission of environment.omissions) say(`LEFT OUT: ${omission}`);
  if (interrupted) return 130;

  const scratch = await mkdtemp(join(tmpdir(), 'thv-report-'));
  const report = join(scratch, 'junit.xml');
  suites = Bun.spawn(
    [
      ...[
        process.execPath,
        'test',
        '--timeout',
        '60000',
        '--reporter',
        'junit',
        '--reporter-outfile',
        report,
      ],
      ...(filters.length > 0 ? filters : ['src', 'tests']),
    ],
    {
      env: { ...process.env, THV_BINARY: resolve('dist/thv'), ...environment.variables },
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
    },
  );
  const exitCode = await suites.exited;
  const totals = parseTotals(await readFile(report, 'utf8').catch(() => ''));
  await rm(scratch, { recursive: true });

  const failed = exitCode !== 0 || totals.failed > 0;
  if ((failed || totals.passed === 0) && !interrupted) process.stderr.write(`${await environment.logs()}\n`);
  if (interrupted) say('interrupted');
  else if (totals.passed + totals.failed === 0) say('nothing ran');
  process.on('exit', () =>
    process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`),
  );
  if (interrupted) return 130;
  return failed || totals.passed === 0 ? 1 : 0;
}

/** The sums of a JUnit report; a report that was not written counts nothing. */
function parseTotals(report: string): Totals {
  const root = /<testsuites [^>]*>/.exec(report)?.[0] ?? '';
  const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const [total, failed, skipped] = [count('tests'), count('failures') + count('errors'), count('skipped')];
  return { passed: total - failed - skipped, failed, skipped };
}
