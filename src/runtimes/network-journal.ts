import type { Decision } from '../egress/index.ts';
import { withoutSecrets } from '../errors/index.ts';
import { openRotatingFile, type Paths } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';
import { attemptKey, type NetworkEntry, networkLogPath } from './network-log.ts';

/** How long repetitions of one attempt are only counted. */
const WINDOW_MS = 1000;
/** Different attempts that are told apart in one window. What is beyond is counted together, so that no server can fill the disk. */
const MAX_TOLD_APART = 100;
const MAX_BYTES = 1024 * 1024;
const FILES = 2;

export interface NetworkJournal extends Disposable {
  /** Never throws, and never waits for anything but the file. */
  record(decision: Decision): void;
}

interface JournalOptions {
  /** Whether attempts that were allowed are written too. */
  readonly keepsAllowed?: boolean;
}

/**
 * Writes what the server of a workload tried to reach. The first of several attempts that are alike is written at once, the others are
 * counted for a second and written together.
 */
export function openNetworkJournal(
  paths: Pick<Paths, 'data'>,
  name: WorkloadName,
  { keepsAllowed = false }: JournalOptions = {},
): NetworkJournal {
  const file = openRotatingFile(networkLogPath(paths, name), { maxBytes: MAX_BYTES, files: FILES });
  /** Attempts of this window that were written, and how often each was made again since. */
  const again = new Map<string, { last: Decision; count: number }>();
  let timer: Timer | undefined;

  const write = (decision: Decision, count: number) =>
    file.append(`${JSON.stringify(entryOf(decision, count))}\n`);

  function endWindow(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const { last, count } of again.values()) if (count > 0) write(last, count);
    again.clear();
  }

  return {
    record(decision) {
      // What others ask of the server is told in its own log.
      if (decision.verdict === 'allowed' && (!keepsAllowed || decision.protocol === 'ingress')) return;
      timer ??= setTimeout(endWindow, WINDOW_MS).unref();
      const isBeyond = !again.has(attemptKey(decision)) && again.size >= MAX_TOLD_APART;
      const told = isBeyond ? { ...decision, host: '*', port: 0 } : decision;
      const known = again.get(attemptKey(told));
      again.set(attemptKey(told), { last: told, count: known === undefined ? 0 : known.count + 1 });
      if (known === undefined) write(told, 1);
    },
    [Symbol.dispose]() {
      endWindow();
      file[Symbol.dispose]();
    },
  };
}

function entryOf({ at, verdict, protocol, host, port, rule, remedy }: Decision, count: number): NetworkEntry {
  return {
    at,
    verdict,
    protocol,
    // A server may ask for a name that is made of what it was given to keep.
    host: withoutSecrets(host),
    port,
    rule: withoutSecrets(rule),
    ...(remedy === undefined || host === '*' ? {} : { remedy: withoutSecrets(remedy) }),
    count,
  };
}
