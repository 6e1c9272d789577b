import type { Verdict } from '../egress/index.ts';

/** What the sidecar decided about one connection or query. */
export interface Decision {
  /** ISO 8601, by the sidecar's clock. */
  readonly at: string;
  readonly host: string;
  /** 0 for a DNS query. */
  readonly port: number;
  readonly protocol: 'http' | 'connect' | 'dns' | 'tcp' | 'ingress';
  readonly verdict: 'allowed' | 'refused';
  /** Which rule decided, in words: `allow_host example.com`, `not granted by the permission profile`. */
  readonly rule: string;
  /** The profile entry that would allow what was refused, such as `outbound.allow_host: ["example.com"]`; absent where none would. */
  readonly remedy?: string | undefined;
}

export interface DecisionLog {
  readonly counts: { readonly allowed: number; readonly refused: number };
  readonly isFollowed: boolean;
  add(decision: Pick<Decision, 'host' | 'port' | 'protocol'>, verdict: Verdict): void;
  /** Calls `receive` with what is remembered and then with what comes, until the returned function is called. */
  follow(receive: (decision: Decision) => void): () => void;
}

/** So many decisions of a workload are remembered; older ones are only counted. */
const REMEMBERED = 256;
/** What a workload asks for may be of any length. */
const LONGEST_HOST = 255;

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
    add({ host, port, protocol }, verdict) {
      const decision: Decision = {
        at: now().toISOString(),
        host: host.slice(0, LONGEST_HOST),
        port,
        protocol,
        verdict: verdict.granted ? 'allowed' : 'refused',
        rule: verdict.rule,
        ...(!verdict.granted && verdict.remedy ? { remedy: verdict.remedy } : {}),
      };
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
