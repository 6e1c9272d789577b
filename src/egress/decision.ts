import type { Verdict } from './rules.ts';

/** What was decided about one attempt of a server to reach something, or of somebody to reach it. */
export interface Decision {
  /** ISO 8601, by the clock of the one who decided. */
  readonly at: string;
  /** As it was asked for, in lower case: a name or an address. */
  readonly host: string;
  /** 0 where the attempt has none, such as the look-up of a name. */
  readonly port: number;
  /** How it was tried: a plain request to the proxy, a tunnel through it, a look-up, a raw connection, a call from outside. */
  readonly protocol: 'http' | 'connect' | 'dns' | 'tcp' | 'ingress';
  readonly verdict: 'allowed' | 'refused';
  /** Which rule decided, in words: `allow_host example.com`, `not granted by the permission profile`. */
  readonly rule: string;
  /** What would allow what was refused, such as `outbound.allow_host: ["example.com"]`; absent where nothing would. */
  readonly remedy?: string | undefined;
}

/** What a server asks for may be of any length; DNS knows no name that is longer. */
const LONGEST_HOST = 255;

export function decisionOf(
  { host, port, protocol }: Pick<Decision, 'host' | 'port' | 'protocol'>,
  verdict: Verdict,
  at: Date = new Date(),
): Decision {
  return {
    at: at.toISOString(),
    host: host.slice(0, LONGEST_HOST),
    port,
    protocol,
    verdict: verdict.granted ? 'allowed' : 'refused',
    rule: verdict.rule,
    ...(!verdict.granted && verdict.remedy ? { remedy: verdict.remedy } : {}),
  };
}
