import { isIP } from 'node:net';

/** A host and a port of it that a profile opens for any protocol: an entry of `outbound.allow_tcp`. */
export interface TcpRoute {
  /** A full host name, in lower case. */
  readonly host: string;
  readonly port: number;
}

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/**
 * Reads `db.example.com:5432`. `undefined` for anything else: a route leads to one host, which a container finds by its name, so
 * neither a domain with all below it nor an address can be one.
 */
export function parseTcpRoute(text: string): TcpRoute | undefined {
  const [, host = '', digits = ''] = /^([^:]+):(\d{1,5})$/.exec(text.toLowerCase()) ?? [];
  const port = Number(digits);
  const isName = host.length <= 253 && NAME.test(host) && isIP(host) === 0;
  return isName && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
