import { openProcessorMeter } from './processor-time.ts';
import type { Suites } from './suites.ts';

/** What one test file takes. */
interface Cost {
  readonly file: string;
  readonly exitCode: number;
  readonly seconds: number;
  /** Processor time of all that the file starts, engines excepted; `undefined` where it cannot be counted. */
  readonly processorSeconds: number | undefined;
}

/** Runs each file by itself, one after the other, and gives a table, the most expensive first; `failed` when a file did. */
export async function measureCosts(
  suites: Suites,
  files: readonly string[],
): Promise<{ readonly table: string; readonly failed: boolean }> {
  const costs: Cost[] = [];
  for (const file of files) {
    if (suites.isInterrupted) break;
    using meter = openProcessorMeter(`thv-test-costs-${process.pid}-${costs.length}`);
    const startedAt = performance.now();
    const exitCode = await suites.runBehind(meter?.prefix ?? [], file);
    const seconds = (performance.now() - startedAt) / 1000;
    costs.push({ file, exitCode, seconds, processorSeconds: meter?.seconds() });
  }
  return { table: tableOf(costs), failed: costs.some(({ exitCode }) => exitCode !== 0) };
}

function tableOf(costs: readonly Cost[]): string {
  const row = (seconds: number, processorSeconds: number | undefined, what: string) =>
    `${seconds.toFixed(1).padStart(8)}  ${(processorSeconds?.toFixed(1) ?? '-').padStart(9)}  ${what}`;
  const processor = costs.flatMap(({ processorSeconds }) => processorSeconds ?? []);
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  return [
    ' seconds  processor',
    ...costs
      .toSorted((a, b) => b.seconds - a.seconds)
      .map(({ seconds, processorSeconds, file, exitCode }) =>
        row(seconds, processorSeconds, exitCode === 0 ? file : `${file} (failed)`),
      ),
    row(
      total(costs.map(({ seconds }) => seconds)),
      processor.length < costs.length ? undefined : total(processor),
      `${costs.length} files`,
    ),
  ].join('\n');
}
