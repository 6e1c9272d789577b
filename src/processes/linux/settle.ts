import type { Size, ViewEntry } from '../filesystem-view.ts';
import type { ProcessSpec } from '../types.ts';
import { awaitRoute, takeAddresses } from './own-addresses.ts';
import { openOwner } from './owner.ts';
import { resize } from './root.ts';
import { closeDescriptor } from './sockets.ts';

/**
 * What a launcher may not do in namespaces that bubblewrap made for it, and the user who owns them may: limit the folders in memory,
 * and give the network addresses of the machine. For that `nsenter` brings this program into them for a moment.
 */
interface SettleOrder {
  readonly sizes: Readonly<Record<string, Size>>;
  /** Absent where the network is not connected with anything. */
  readonly addresses: readonly string[] | undefined;
}

interface SettleFacts {
  /** The command that starts this program, as seen inside. */
  readonly own: readonly string[];
  readonly spec: ProcessSpec;
}

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin';

export function sizesIn(view: readonly ViewEntry[]): SettleOrder['sizes'] {
  return Object.fromEntries(
    view.flatMap((entry) =>
      entry.type === 'scratch' ? [[entry.target, { bytes: entry.bytes, files: entry.files }]] : [],
    ),
  );
}

/** Settles the namespaces of process `pid`. What could not be done is logged, and found by the sandbox's test of itself. */
export async function settleFromOutside(
  pid: number,
  order: SettleOrder,
  { own, spec: { logger } }: SettleFacts,
): Promise<void> {
  const nsenter = Bun.which('nsenter', { PATH: SYSTEM_PATH });
  if (nsenter === null) {
    logger.warn('nsenter is not installed: the number of files in temporary folders is not limited');
    return;
  }
  const owner = openOwner(`/proc/${pid}/ns/mnt`);
  const child = Bun.spawn(
    [
      ...[nsenter, '--user=/proc/self/fd/3'],
      ...['mnt', 'pid', ...(order.addresses === undefined ? [] : ['net'])].map(
        (name) => `--${NAMES[name]}=/proc/${pid}/ns/${name}`,
      ),
      // An ordinary user is root there and must not change its groups; root is somebody else there until it becomes root.
      ...(process.getuid?.() === 0 ? [] : ['--preserve-credentials']),
      ...['--', ...own, '__sandbox', 'settle', JSON.stringify(order)],
    ],
    { cwd: '/', env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'ignore', 'pipe', owner] },
  );
  closeDescriptor(owner);
  const [words, exitCode] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (exitCode !== 0) logger.warn('the sandbox is not settled', { reason: words.trim(), exitCode });
}

const NAMES: Readonly<Record<string, string>> = { mnt: 'mount', pid: 'pid', net: 'net' };

/** `thv __sandbox settle`, inside. */
export function settle([text = '']: readonly string[]): number {
  const { sizes, addresses }: SettleOrder = JSON.parse(text);
  for (const [path, size] of Object.entries(sizes)) resize(path, size);
  if (addresses !== undefined) {
    awaitRoute();
    takeAddresses(addresses);
  }
  return 0;
}
