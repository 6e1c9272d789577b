import type { Decision } from '../../egress/index.ts';
import { messageOf } from '../../errors/index.ts';
import type { Logger, Paths } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';
import { openNetworkJournal } from '../network-journal.ts';
import { readNetworkAttempts } from '../network-log.ts';
import type { Sidecar } from './sidecar/types.ts';

interface RecordOptions {
  readonly paths: Pick<Paths, 'data'>;
  /** Name of the workload's container. */
  readonly container: string;
  readonly keepsAllowed: boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Writes what the sidecar decides for a workload to its network log, until `signal` aborts. The sidecar tells what it remembers each
 * time it is asked; what is in the log already is passed over.
 */
export async function recordDecisions(
  sidecar: Pick<Sidecar, 'decisions'>,
  name: WorkloadName,
  { paths, container, keepsAllowed, logger, signal }: RecordOptions,
): Promise<void> {
  const isNew = createNovelty(readNetworkAttempts(paths, name)[0]?.last_at ?? '');
  using journal = openNetworkJournal(paths, name, { keepsAllowed });
  try {
    for await (const decision of sidecar.decisions(container, signal)) {
      if (isNew(decision)) journal.record(decision);
    }
  } catch (error) {
    if (!signal.aborted)
      logger.warn('what the server tried to reach is not recorded', { error: messageOf(error) });
  }
}

/** Whether a decision was not told before; `since` is the time of the last one that was. */
export function createNovelty(since: string): (decision: Decision) => boolean {
  let latest = since;
  let atLatest = new Set<string>();
  return (decision) => {
    const { at, protocol, host, port, verdict } = decision;
    if (at < latest) return false;
    const key = `${protocol} ${host} ${port} ${verdict}`;
    if (at > latest) atLatest = new Set();
    else if (atLatest.has(key) || at === since) return false;
    latest = at;
    atLatest.add(key);
    return true;
  };
}
