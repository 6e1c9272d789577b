import { toThvError } from '../errors/index.ts';
import { parseWorkloadName, type WorkloadName } from '../records/index.ts';
import type { Acted, Outcome } from './types.ts';

/** Several workloads at once; each result is reported, none cancels another (spec 02 §15-27). */
export async function forEachWorkload(
  rawNames: readonly string[],
  action: (name: WorkloadName) => Promise<Acted>,
): Promise<readonly Outcome[]> {
  const names = [...new Set(rawNames)].map(parseWorkloadName);
  return Promise.all(
    names.map(async (name): Promise<Outcome> => {
      try {
        return { name, ...(await action(name)) };
      } catch (error) {
        return { name, result: 'failed', error: toThvError(error) };
      }
    }),
  );
}
