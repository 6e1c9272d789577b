import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import { isLoopbackHost } from '../../net/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { NetworkAccess } from '../network-access.ts';
import { openOwner } from './owner.ts';
import { closeDescriptor } from './sockets.ts';

/**
 * A network namespace that is connected with everything but this machine, by `pasta` of the package passt: it makes the connections
 * that leave the namespace, as the user who runs it.
 */

interface ConnectOptions {
  /** Path of the program. */
  readonly pasta: string;
  /** Folder of the process; short-lived files are written there. */
  readonly folder: string;
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
  /** Resolves when there is a network, or never will be. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Where the namespace finds the resolver of this machine, when that listens on the machine's loopback. */
const RESOLVER = '169.254.1.53';
const RESOLVER_SETTINGS = '/etc/resolv.conf';

/** Ends pasta with the one who holds the other end of its input, however that one ends. */
const STAND_BY = `
"$@" </dev/null &
exec 2>/dev/null
read -r _
kill -KILL "$!" 2>/dev/null
wait
`;
const READY_LOOK_MS = 2;

export function connectNamespace(options: ConnectOptions): Connection {
  const { pasta, pid, localPorts, folder, logger } = options;
  const owner = openOwner(`/proc/${pid}/ns/net`);
  const readyFile = join(folder, 'pasta.pid');
  rmSync(readyFile, { force: true });
  const ports = localPorts === 'all' ? 'auto' : localPorts.join(',') || 'none';
  const command = [
    ...['/bin/sh', '-c', STAND_BY, 'thv', pasta],
    // In the foreground, and with addresses and routes as this machine has them.
    ...['--foreground', '--quiet', '--config-net', '--no-dhcp', '--no-dhcpv6', '--no-ra', '--pid', readyFile],
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
    stdio: ['pipe', 'ignore', 'pipe', owner],
  });
  closeDescriptor(owner);
  let isConnected = false;
  let isOver = false;
  const lost = (async () => {
    const words = (await new Response(child.stderr).text()).replace(/^Failed to send .*\n/gm, '').trim();
    if (isConnected && !isOver) logger.error('the network of the server is lost: pasta ended', { words });
    isOver = true;
    return words;
  })();
  return {
    lost,
    async ready() {
      // Written when everything is in place.
      while (!isOver && !/\d/.test(read(readyFile))) await Bun.sleep(READY_LOOK_MS);
      rmSync(readyFile, { force: true });
      isConnected = true;
    },
    async close() {
      isOver = true;
      await child.stdin.end();
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
  if (url === null || !isLoopbackHost(url.hostname)) return [];
  const port = Number(url.port) || { 'http:': 80, 'https:': 443, 'socks5:': 1080 }[url.protocol];
  return port === undefined ? [] : [port];
}

/** Whether all name servers of this machine are on its loopback, which is not the namespace's. */
export function hasLocalResolver(resolvConf = read(RESOLVER_SETTINGS)): boolean {
  const servers = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address);
  return servers.length === 0 || servers.every(isLoopbackHost);
}

/** '' where there is none: the C library then asks the loopback. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `resolv.conf` of the namespace where the machine's own leads nowhere. */
export function resolverSettings(): string {
  const search = read(RESOLVER_SETTINGS)
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
