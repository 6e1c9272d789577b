import { classifyAddress, literalAddress } from '../net/index.ts';

/** An empty list of hosts or ports means any; both empty, anything public. */
export interface EgressRules {
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  /** Exactly these hosts and ports as well, whatever the lists say. */
  readonly routes?: readonly EgressRoute[];
  /** Nothing but `routes` is granted, where two empty lists would grant all. */
  readonly routesOnly?: boolean;
  /** Private networks need not be named; this machine and its link still have to. */
  readonly privateNetworks?: boolean;
}

interface EgressRoute {
  readonly host: string;
  readonly port: number;
}

/** Whether something may be reached, by which rule, and for a refusal which profile entry would allow it, where one would. */
export type Verdict =
  | { readonly granted: true; readonly rule: string }
  | { readonly granted: false; readonly rule: string; readonly remedy?: string | undefined };

/** Where a client of the proxy may go. */
export interface EgressPolicy {
  /** Judges host and port as they are asked for. */
  judgeRequest(host: string, port: number): Verdict;
  /** Judges an address that the host was resolved to. */
  judgeAddress(host: string, address: string): Verdict;
}

const NOT_IN_PROFILE = 'not granted by the permission profile';
const LEADS_INSIDE = 'leads to this machine or a private network';

/** `refusal` is why a host that the rules do not grant is refused, behind its name. */
export function policyOfRules(rules: EgressRules, refusal: string = NOT_IN_PROFILE): EgressPolicy {
  return {
    judgeRequest(host, port) {
      const rule = grantingRule(rules, host, port);
      if (rule !== undefined) return { granted: true, rule };
      return { granted: false, rule: refusal, remedy: remedyFor(rules, host, port) };
    },
    judgeAddress(host, address) {
      if (judgeAddress(rules, host, address) === 'allowed') return { granted: true, rule: 'address' };
      const wanted = normalizeHost(host);
      const opens = classifyAddress(address) === 'private' || literalAddress(wanted) !== undefined;
      const remedy = opens && isSpeakable(wanted) ? `outbound.allow_host: ["${wanted}"]` : undefined;
      return { granted: false, rule: LEADS_INSIDE, remedy };
    },
  };
}

/** Whether host and port as requested are granted. Both lists must match; an empty one matches all (spec 03 §10.2). */
export function isGranted(rules: EgressRules, host: string, port: number): boolean {
  return grantingRule(rules, host, port) !== undefined;
}

/** The rule that grants host and port, as the profile spells it; `undefined` when none does. */
function grantingRule(rules: EgressRules, host: string, port: number): string | undefined {
  const wanted = normalizeHost(host);
  const isRoute = rules.routes?.some((route) => route.port === port && normalizeHost(route.host) === wanted);
  if (isRoute) return `allow_tcp ${wanted}:${port}`;
  if (rules.routesOnly) return undefined;
  if (rules.ports.length > 0 && !rules.ports.includes(port)) return undefined;
  const rule = rules.hosts.find((entry) => matchesHost(entry, host));
  if (rule !== undefined) return `allow_host ${rule}`;
  if (rules.hosts.length > 0) return undefined;
  return rules.ports.length > 0 ? `allow_port ${port}` : 'everything is allowed';
}

/** The smallest change of the profile that would grant host and port; `undefined` for what is no host. */
function remedyFor(rules: EgressRules, host: string, port: number): string | undefined {
  const wanted = normalizeHost(host);
  if (!isSpeakable(wanted)) return undefined;
  const hostIsMissing = rules.hosts.length === 0 || !rules.hosts.some((entry) => matchesHost(entry, host));
  const needsHost = rules.routesOnly || (rules.hosts.length > 0 && hostIsMissing);
  const needsPort = rules.ports.length > 0 && !rules.ports.includes(port);
  return [
    ...(needsHost ? [`outbound.allow_host: ["${wanted}"]`] : []),
    ...(needsPort ? [`outbound.allow_port: [${port}]`] : []),
  ].join(' and ');
}

/** Whether it is a name or an address that a profile can hold: what a server sends is never repeated unseen. */
function isSpeakable(host: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/.test(host) || literalAddress(host) !== undefined;
}

/**
 * Whether an address that `host` resolved to may be connected to. Private networks are open to hosts that the profile names in
 * full. Everything else that is not public, this machine and its link above all, is open only to an address, or `localhost`, that
 * the profile names itself, because a name can be made to resolve to anything.
 */
export function judgeAddress(rules: EgressRules, host: string, address: string): 'allowed' | 'private' {
  const kind = classifyAddress(address);
  // Behind an address of the documentation there is nothing of this machine or its network to protect.
  if (kind === 'public' || kind === 'documentation') return 'allowed';
  if (kind === 'private' && rules.privateNetworks) return 'allowed';
  const wanted = normalizeHost(host);
  const names = [...rules.hosts, ...(rules.routes ?? []).map((route) => route.host)];
  const isNamed = names.some((rule) => normalizeHost(rule) === wanted);
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
export function matchesHost(rule: string, host: string): boolean {
  const wanted = normalizeHost(rule).replace(/^\*\./, '.');
  const given = normalizeHost(host);
  if (!wanted.startsWith('.')) return given === wanted;
  return given === wanted.slice(1) || given.endsWith(wanted);
}
