import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import { isLoopbackHost } from '../pipeline/browser-guard.ts';

/** Where the API is to be reached. */
export type ApiAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'pipe'; readonly path: string };

const PIPE_PREFIX = '\\\\.\\pipe\\';

interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Not empty: instead of host and port. */
  readonly socket: string;
}

/** Which of the three an address is, by its prefix (spec 10 §3.2). Throws `ERR_LISTEN_FAILED` for a pipe outside Windows. */
export function parseAddress(
  { host, port, socket }: Wanted,
  platform: NodeJS.Platform = process.platform,
): ApiAddress {
  if (socket === '') return { kind: 'tcp', host, port };
  if (!socket.toLowerCase().startsWith(PIPE_PREFIX)) return { kind: 'socket', path: resolve(socket) };
  if (platform === 'win32') return { kind: 'pipe', path: socket };
  throw new ThvError('ERR_LISTEN_FAILED', {
    address: socket,
    reason: `named pipe addresses are only supported on Windows: ${socket}`,
  });
}

/** Whether only this machine can connect. An empty host means all interfaces. */
export function isLoopbackBind(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return isLoopbackHost(isIP(bare) === 6 ? `[${bare}]` : bare);
}

/** The address as other programs are told it (spec 10 §4). Wildcards become this machine's own address (§20-6). */
export function addressUrl(address: ApiAddress): string {
  if (address.kind === 'pipe') return `npipe://${address.path.slice(PIPE_PREFIX.length)}`;
  if (address.kind === 'socket') {
    const path = address.path.replace(/^(?=[A-Za-z]:)/, '/');
    return `unix://${path.split('/').map(encodeURIComponent).join('/').replace(/%3A/g, ':')}`;
  }
  const host = address.host.replace(/^\[|\]$/g, '');
  const isWildcard = host === '' || host === '0.0.0.0' || host === '::';
  const shown = isWildcard ? '127.0.0.1' : host === 'localhost' ? '127.0.0.1' : host;
  return `http://${isIP(shown) === 6 ? `[${shown}]` : shown}:${address.port}`;
}
