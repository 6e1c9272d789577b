import type { Suggestion } from '../cli/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';

/** All workloads, stopped ones too, for commands whose first argument is a name (spec 01 §6.5). */
export async function completeWorkloadName(request: {
  readonly words: readonly string[];
  openWorkloads(): Promise<WorkloadManager>;
}): Promise<readonly Suggestion[]> {
  if (request.words.length > 0) return [];
  const names = await (await request.openWorkloads()).names();
  return names.map((value) => ({ value }));
}
