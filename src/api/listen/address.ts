import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { messageOf, ThvError } from '../../errors/index.ts';

/** Who may connect to a UNIX socket: its owner, or its group as well. */
export type SocketMode = 0o600 | 0o660;

/** Where the API is to be reached. */
export type ApiAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string; readonly mode: SocketMode }
  | { readonly kind: 'pipe'; readonly path: string };

const PIPE_PREFIX = '\\\\.\\pipe\\';

interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Path of a socket; used instead of host and port unless empty. */
  readonly socket: string;
  readonly socketMode: SocketMode;
}

/** Which of the three an address is, by its prefix (spec 10 §3.2). Throws `ERR_LISTEN_FAILED` for a pipe outside Windows. */
export function parseAddress(
  { host, port, socket, socketMode }: Wanted,
  platform: NodeJS.Platform = process.platform,
): ApiAddress {
  if (socket === '') return { kind: 'tcp', host, port };
  if (!socket.toLowerCase().startsWith(PIPE_PREFIX))
    return { kind: 'socket', path: resolve(socket), mode: socketMode };
  if (platform === 'win32') return { kind: 'pipe', path: socket };
  throw new ThvError('ERR_LISTEN_FAILED', {
    address: socket,
    reason: `named pipe addresses are only supported on Windows: ${socket}`,
  });
}

/**
 * A name as the address it stands for, IPv4 before IPv6: what is bound, told to others and judged is the same then. Throws
 * `ERR_LISTEN_FAILED` for a name that nobody knows.
 */
export async function resolveAddress(address: ApiAddress): Promise<ApiAddress> {
  if (address.kind !== 'tcp') return address;
  const host = address.host.replace(/^\[|\]$/g, '');
  if (host === '' || isIP(host) !== 0) return { ...address, host };
  try {
    const found = await lookup(host, { all: true });
    const best = found.find(({ family }) => family === 4) ?? found[0];
    return { ...address, host: best?.address ?? host };
  } catch (error) {
    const reason = `listen tcp: lookup ${host}: no such host (${messageOf(error)})`;
    throw new ThvError('ERR_LISTEN_FAILED', { address: host, reason }, { cause: error });
  }
}

/** As people read it: `127.0.0.1:8080`, `[::1]:8080`, or a path. */
export function shownAddress(address: ApiAddress): string {
  if (address.kind !== 'tcp') return address.path;
  return `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}

/** The address as other programs are told it (spec 10 §4). Wildcards become this machine's own address (§20-6). */
export function addressUrl(address: ApiAddress): string {
  if (address.kind === 'pipe') return `npipe://${address.path.slice(PIPE_PREFIX.length)}`;
  if (address.kind === 'socket') {
    const path = address.path.replace(/^(?=[A-Za-z]:)/, '/');
    return `unix://${path.split('/').map(encodeURIComponent).join('/').replace(/%3A/g, ':')}`;
  }
  const isWildcard = ['', '0.0.0.0', '::'].includes(address.host);
  return `http://${shownAddress(isWildcard ? { ...address, host: '127.0.0.1' } : address)}`;
}
