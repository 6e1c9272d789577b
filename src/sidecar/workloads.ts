import type { Decision } from '../egress/index.ts';
import type { Admission } from './admission.ts';
import { createDecisionLog, type DecisionLog } from './decision.ts';
import { openWorkload, type Workload } from './workload.ts';

/** All workloads of one sidecar, by name. */
export interface Workloads {
  /** Enforces its rules in place of earlier ones; the same rules again change nothing. */
  admit(admission: Admission): Promise<void>;
  withdraw(name: string): Promise<void>;
  find(name: string): Workload | undefined;
  list(): readonly { readonly name: string; readonly allowed: number; readonly refused: number }[];
  /** Decisions of a workload, whatever rules it has meanwhile. */
  follow(name: string, receive: (decision: Decision) => void): () => void;
}

export function createWorkloads(): Workloads {
  const open = new Map<string, Workload>();
  /** Outlive the rules, so that one who follows a workload hears of it again when it comes back. */
  const logs = new Map<string, DecisionLog>();
  let last: Promise<unknown> = Promise.resolve();

  /** Changes take turns, so that an address is never listened on twice. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = last.then(change, change);
    last = next.catch(() => undefined); // its caller hears of it
    return next;
  }

  const admissions = () => Array.from(open.values(), ({ admission }) => admission);

  function logOf(name: string): DecisionLog {
    const log = logs.get(name) ?? createDecisionLog();
    logs.set(name, log);
    return log;
  }

  async function replace(admission: Admission): Promise<void> {
    const before = open.get(admission.name);
    if (before?.update(admission)) return;
    await before?.[Symbol.asyncDispose]();
    open.delete(admission.name);
    // An address is one workload's: who had it before is gone from its network.
    for (const other of [...open.values()]) {
      if (other.admission.address !== admission.address) continue;
      open.delete(other.admission.name);
      await other[Symbol.asyncDispose]();
    }
    open.set(admission.name, await openWorkload(admission, admissions, logOf(admission.name)));
  }

  return {
    admit: (admission) => inTurn(() => replace(admission)),
    withdraw: (name) =>
      inTurn(async () => {
        const workload = open.get(name);
        open.delete(name);
        await workload?.[Symbol.asyncDispose]();
        if (logs.get(name)?.isFollowed === false) logs.delete(name);
      }),
    find: (name) => open.get(name),
    list: () => Array.from(open.values(), ({ admission: { name }, log }) => ({ name, ...log.counts })),
    follow: (name, receive) => logOf(name).follow(receive),
  };
}
