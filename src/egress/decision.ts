import { type EgressRules, grants, normalizeHost } from './rules.ts';

/** One attempt of a server to reach something, and what became of it. */
export interface Decision {
  /** Unix milliseconds. */
  readonly at: number;
  /** How it was tried: a plain request to the proxy, a tunnel through it, a raw connection, the look-up of a name, a call from outside. */
  readonly protocol: 'http' | 'connect' | 'tcp' | 'dns' | 'ingress';
  /** As it was asked for, in lower case: a name or an address. */
  readonly host: string;
  /** 0 where the attempt has none, such as the look-up of a name. */
  readonly port: number;
  readonly verdict: 'allowed' | 'refused';
  /** Which rule decided. `private-address`: the name leads to this machine or a private network. */
  readonly rule: 'granted' | 'not-listed' | 'private-address';
}

/** Entries that a permission profile lacks, in the form in which its `network.outbound` has them. */
export interface MissingEntries {
  readonly allow_host?: readonly string[];
  readonly allow_port?: readonly number[];
}

/** What a profile would need so that this attempt is allowed. */
export function missingEntries(rules: EgressRules, { host, port, rule }: Decision): MissingEntries {
  const wanted = normalizeHost(host);
  // A name that leads to a private network is granted by being named in full, whatever wildcard matches it.
  if (rule === 'private-address') return { allow_host: [wanted] };
  const { byHost, byPort } = grants(rules, wanted, port);
  return {
    ...(byHost ? {} : { allow_host: [wanted] }),
    ...(byPort || port === 0 ? {} : { allow_port: [port] }),
  };
}
