import { type Decision, decisionOf, type Verdict } from '../egress/index.ts';

export interface DecisionLog {
  readonly counts: { readonly allowed: number; readonly refused: number };
  readonly isFollowed: boolean;
  add(decision: Pick<Decision, 'host' | 'port' | 'protocol'>, verdict: Verdict): void;
  /** Calls `receive` with what is remembered and then with what comes, until the returned function is called. */
  follow(receive: (decision: Decision) => void): () => void;
}

/** So many decisions of a workload are remembered; older ones are only counted. */
const REMEMBERED = 256;
/** Decisions of one workload, in bounded memory. */
export function createDecisionLog(now: () => Date = () => new Date()): DecisionLog {
  const remembered: Decision[] = [];
  const followers = new Set<(decision: Decision) => void>();
  const counts = { allowed: 0, refused: 0 };
  return {
    counts,
    get isFollowed() {
      return followers.size > 0;
    },
    add(asked, verdict) {
      const decision = decisionOf(asked, verdict, now());
      counts[decision.verdict]++;
      remembered.push(decision);
      if (remembered.length > REMEMBERED) remembered.shift();
      for (const receive of followers) receive(decision);
    },
    follow(receive) {
      for (const decision of remembered) receive(decision);
      followers.add(receive);
      return () => followers.delete(receive);
    },
  };
}
