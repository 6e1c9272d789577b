import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { NetworkAccess } from '../network-access.ts';
import type { GuardOrder } from './launcher.ts';
import { openOwner } from './owner.ts';
import { closeDescriptor } from './sockets.ts';

/**
 * A network namespace that is connected with everything but this machine, by `pasta` of the package passt: it makes the connections
 * that leave the namespace, as the user who runs it.
 */

interface ConnectOptions {
  /** Path of the program. */
  readonly pasta: string;
  /** The command that starts this program. */
  readonly self: readonly string[];
  /** A process in the namespace. */
  readonly pid: number;
  readonly localPorts: LocalPorts;
  readonly logger: Logger;
}

/** Ports of this machine's loopback that are open to a process, at its own loopback. */
export type LocalPorts = 'all' | readonly number[];

export interface Connection {
  /** Resolves with its last words when it ends by itself: then there is no network any more. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
}

/** Where the namespace finds the resolver of this machine, when that listens on the machine's loopback. */
export const RESOLVER = '169.254.1.53';

export function connectNamespace({ pasta, self, pid, localPorts, logger }: ConnectOptions): Connection {
  const owner = openOwner(`/proc/${pid}/ns/net`);
  const ports = localPorts === 'all' ? 'auto' : localPorts.join(',') || 'none';
  const guard: GuardOrder = { parent: process.pid };
  const command = [
    ...[...self, '__sandbox', 'guard', JSON.stringify(guard), pasta],
    // In the foreground, and with addresses and routes as this machine has them.
    ...['--foreground', '--quiet', '--config-net', '--no-dhcp', '--no-dhcpv6', '--no-ra'],
    // Nothing leads from the machine to the namespace, and nothing from there to the machine's loopback but what is named.
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', ports, '--udp-ns', 'none', '--no-map-gw'],
    ...(hasLocalResolver() ? ['--dns-forward', RESOLVER] : []),
    // It leaves its rights behind by itself; as nobody it could not enter.
    ...(process.getuid?.() === 0 ? ['--runas', '0'] : []),
    ...['--userns', '/proc/self/fd/3', '--netns', `/proc/${pid}/ns/net`],
  ];
  const child = Bun.spawn(command, {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'ignore', 'pipe', owner],
  });
  closeDescriptor(owner);
  let isWanted = true;
  const lost = (async () => {
    const words = (await new Response(child.stderr).text()).replace(/^Failed to send .*\n/gm, '').trim();
    await child.exited;
    if (isWanted) logger.error('the network of the server is lost: pasta ended', { words });
    return words;
  })();
  return {
    lost,
    async close() {
      isWanted = false;
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** Ports that a profile opens, and those of a proxy on this machine that the user gave the server for its way out. */
export function localPortsOf(
  network: NetworkAccess & { readonly type: 'open' },
  env: Readonly<Record<string, string>>,
): LocalPorts {
  if (network.localPorts === 'all') return 'all';
  const proxies = Object.entries(env).flatMap(([name, value]) =>
    /^(?:https?|all)_proxy$/i.test(name) ? portOnLoopback(value) : [],
  );
  return [...new Set([...network.localPorts, ...proxies])];
}

function portOnLoopback(text: string): readonly number[] {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || !isLoopback(url.hostname)) return [];
  const port = Number(url.port) || { 'http:': 80, 'https:': 443, 'socks5:': 1080 }[url.protocol];
  return port === undefined ? [] : [port];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Whether all name servers of this machine are on its loopback, which is not the namespace's. */
export function hasLocalResolver(resolvConf = readSettings()): boolean {
  const servers = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address);
  return servers.length === 0 || servers.every((address) => address === '::1' || address.startsWith('127.'));
}

function readSettings(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return ''; // none: the C library asks the loopback
  }
}

/** `resolv.conf` of the namespace where the machine's own leads nowhere. */
export function resolverSettings(): string {
  const search = readSettings()
    .split('\n')
    .filter((line) => /^\s*(?:search|domain|options)\b/.test(line));
  return [`nameserver ${RESOLVER}`, ...search, ''].join('\n');
}

/** Throws `ERR_SANDBOX_FAILED` as soon as there is no network any more. */
export async function unlessLost<T>(work: Promise<T>, connection: Connection | undefined): Promise<T> {
  if (connection === undefined) return work;
  return await Promise.race([
    work,
    connection.lost.then((words) => {
      throw new ThvError('ERR_SANDBOX_FAILED', { reason: `pasta: ${words || 'it ended'}` });
    }),
  ]);
}
