export interface ClientUrlFacts {
  /** `127.0.0.1` in listings, `localhost` in clients' settings. */
  readonly host: string;
  readonly port: number;
  readonly transport: string;
  /** Effective proxy mode of a stdio server; empty means `streamable-http` (spec 02 §1.5). */
  readonly proxyMode: string;
  /** Workload name; clients tell SSE servers apart by it. */
  readonly name: string;
  /** Set for remote servers. Its query is ours to add, not the client's (spec 04 §8.3). */
  readonly remoteUrl?: string | undefined;
}

/** The URL clients are given (spec 04 §1); '' for a transport that is not proxied. */
export function clientUrl(facts: ClientUrlFacts): string {
  const { host, port, name, remoteUrl } = facts;
  const base = `http://${host}:${port}`;
  const form = facts.transport === 'stdio' ? facts.proxyMode || 'streamable-http' : facts.transport;
  const remotePath = remoteUrl === undefined ? undefined : new URL(remoteUrl).pathname.replace(/^\/$/, '');
  switch (form) {
    case 'sse':
      return `${base}${remotePath || '/sse'}#${encodeURIComponent(name)}`;
    case 'streamable-http':
      return `${base}${remotePath ?? '/mcp'}`;
    default:
      return '';
  }
}
