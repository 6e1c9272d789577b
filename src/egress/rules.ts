import { classifyAddress, literalAddress } from '../net/index.ts';

/** An empty list of hosts or ports means any; both empty, anything public. */
export interface EgressRules {
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  /** Hosts of private networks are reached without being named. */
  readonly allowsPrivate?: boolean;
}

type Verdict = 'allowed' | 'private';

/** Whether host and port as requested are granted. Both lists must match; an empty one matches all (spec 03 §10.2). */
export function isGranted(rules: EgressRules, host: string, port: number): boolean {
  const { byHost, byPort } = grants(rules, host, port);
  return byHost && byPort;
}

/** Which of the two lists grants host and port. */
export function grants({ hosts, ports }: EgressRules, host: string, port: number) {
  return {
    byHost: hosts.length === 0 || hosts.some((rule) => matches(rule, host)),
    byPort: ports.length === 0 || ports.includes(port),
  };
}

/**
 * Whether an address that `host` resolved to may be connected to. Private networks are open to hosts that the profile names in
 * full. Everything else that is not public, this machine and its link above all, is open only to an address, or `localhost`, that
 * the profile names itself, because a name can be made to resolve to anything.
 */
export function judgeAddress(rules: EgressRules, host: string, address: string): Verdict {
  const kind = classifyAddress(address);
  // Behind an address of the documentation there is nothing of this machine or its network to protect.
  if (kind === 'public' || kind === 'documentation') return 'allowed';
  if (kind === 'private' && rules.allowsPrivate === true) return 'allowed';
  const wanted = normalizeHost(host);
  const isNamed = rules.hosts.some((rule) => normalizeHost(rule) === wanted);
  const isLiteral = literalAddress(wanted) !== undefined || wanted === 'localhost';
  return isNamed && (kind === 'private' || isLiteral) ? 'allowed' : 'private';
}

/** Lower case, without brackets and trailing dot. */
export function normalizeHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** `example.com` is that host; `.example.com` and `*.example.com` the domain and all below it. */
function matches(rule: string, host: string): boolean {
  const wanted = normalizeHost(rule).replace(/^\*\./, '.');
  const given = normalizeHost(host);
  if (!wanted.startsWith('.')) return given === wanted;
  return given === wanted.slice(1) || given.endsWith(wanted);
}
