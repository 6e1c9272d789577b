import { existsSync, readFileSync } from 'node:fs';
import { openEgressProxy } from '../egress/index.ts';
import { ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { RUNTIME } from './filesystem-view.ts';
import { openNetworkHint, sandboxHint } from './install-hint.ts';
import { bubblewrap } from './linux/bubblewrap.ts';
import type { NamespaceMaker } from './linux/namespace-maker.ts';
import { namespaces } from './linux/namespaces.ts';
import { selfTest, type Verdict } from './linux/self-test.ts';
import { startOnLinux } from './linux/start.ts';
import { seatbeltProfile } from './macos/seatbelt.ts';
import type { NetworkAccess } from './network-access.ts';
import { nodeFolder, ownFolders } from './own-folders.ts';
import { startPlain } from './plain.ts';
import { processProxyEnvironment } from './proxy-environment.ts';
import { startSupervised } from './supervised.ts';
import type { ProcessSpec, Sandbox, SandboxedProcess } from './types.ts';

interface FindOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command that starts this program. */
  readonly self: readonly string[];
  /** `<cache>/toolhive` */
  readonly cacheFolder: string;
  readonly platform?: NodeJS.Platform;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const SANDBOX_EXEC = '/usr/bin/sandbox-exec';
const SHARED_LOOPBACK = 'the profile allows all of the network, services of this machine included';
/** Where nothing can be installed that would close them. */
const CLOSED_BY_HOSTS = 'a profile that lists hosts closes them';

/**
 * The sandbox of this machine, tried out: bubblewrap, else namespaces of the kernel, on macOS Seatbelt. `TOOLHIVE_SANDBOX` names
 * one of them. Throws `ERR_SANDBOX_UNAVAILABLE`, with what was tried, why not, and what to install.
 */
export async function findSandbox(options: FindOptions): Promise<Sandbox> {
  const { env, platform = process.platform, self } = options;
  const attempts: string[] = [];
  let hasBubblewrap = false;
  if (platform === 'linux') {
    const wanted = env['TOOLHIVE_SANDBOX']?.trim() ?? '';
    const found = (name: string) =>
      Bun.which(name, { PATH: `${env['PATH'] ?? ''}:/usr/bin:/bin:/usr/sbin:/sbin` });
    const [bwrap, unshare] = [found('bwrap'), found('unshare')];
    const candidates: readonly (readonly [Sandbox['kind'], string, NamespaceMaker | undefined])[] = [
      ['bubblewrap', 'bwrap', bwrap === null ? undefined : bubblewrap(bwrap)],
      ['namespaces', 'unshare', unshare === null ? undefined : namespaces(unshare)],
    ];
    for (const [kind, program, maker] of candidates) {
      if (wanted !== '' && wanted !== kind) continue;
      if (maker === undefined) {
        attempts.push(`${kind}: ${program} is not installed`);
        continue;
      }
      const verdict = await selfTest({ ...options, name: kind, maker });
      if (verdict.problem === undefined)
        return linuxSandbox(kind, verdict, self, await openNetwork(kind, maker, found('pasta'), options));
      attempts.push(`${kind}: ${verdict.problem}`);
      hasBubblewrap ||= kind === 'bubblewrap';
    }
    if (attempts.length === 0) {
      throw new ThvError(
        'ERR_SANDBOX_UNAVAILABLE',
        { reason: `TOOLHIVE_SANDBOX names ${wanted}; there are bubblewrap and namespaces` },
        { hint: 'unset it to use the one that works here' },
      );
    }
  } else if (platform === 'darwin' && existsSync(SANDBOX_EXEC)) {
    return seatbelt(self);
  }
  const tried = attempts.length === 0 ? '' : ` (${attempts.join('; ')})`;
  throw new ThvError(
    'ERR_SANDBOX_UNAVAILABLE',
    { reason: `no way to confine a process was found on this machine${tried}` },
    { hint: sandboxHint({ platform, osRelease: readOsRelease(), hasBubblewrap }) },
  );
}

/** No sandbox at all: with all rights of the user. Its process tree still ends as a whole. */
export function noSandbox(self: readonly string[], platform: NodeJS.Platform = process.platform): Sandbox {
  return {
    kind: 'none',
    hasOwnNetwork: () => false,
    weaknesses: () => ['it is not confined: it has all rights of the user who started it'],
    start: (spec) =>
      platform === 'win32'
        ? startPlain(spec, self)
        : startSupervised(spec, { self, prefix: [], environment: {} }),
  };
}

interface OpenNetwork {
  readonly maker: NamespaceMaker;
  /** Why a profile that allows all shares the network of the machine; `undefined` when it does not. */
  readonly problem: string | undefined;
}

/** Whether processes can have a network that leads everywhere but to this machine. */
async function openNetwork(
  kind: string,
  maker: NamespaceMaker,
  pasta: string | null,
  options: FindOptions,
): Promise<OpenNetwork> {
  if (pasta === null) return { maker, problem: openNetworkHint(readOsRelease()) };
  const connected = { ...maker, pasta };
  const network = { type: 'open', localPorts: [] } as const;
  const { problem } = await selfTest({ ...options, name: `${kind}-network`, maker: connected, network });
  return problem === undefined
    ? { maker: connected, problem }
    : { maker, problem: `pasta does not work here (${problem}); ${CLOSED_BY_HOSTS}` };
}

function linuxSandbox(
  kind: Sandbox['kind'],
  verdict: Verdict,
  self: readonly string[],
  { maker, problem }: OpenNetwork,
): Sandbox {
  return {
    kind,
    hasOwnNetwork: ({ type }) => type !== 'host' && (type !== 'open' || problem === undefined),
    weaknesses(network) {
      const { weaknesses = [], landlock } = verdict;
      const isShared = !this.hasOwnNetwork(network);
      return [
        ...weaknesses,
        ...(isShared ? [network.type === 'host' ? SHARED_LOOPBACK : `${SHARED_LOOPBACK}: ${problem}`] : []),
        // They belong to a network namespace; in that of the machine only Landlock keeps away from them.
        ...(isShared && landlock < 6 ? ['abstract sockets of this machine can be reached'] : []),
      ];
    },
    start: (spec) => startOnLinux(maker, self, spec),
  };
}

function seatbelt(self: readonly string[]): Sandbox {
  return {
    kind: 'seatbelt',
    hasOwnNetwork: () => false,
    weaknesses: (network: NetworkAccess) => [
      'names and sizes of files can be seen, and mounts where they are on this machine, not at their target',
      ...(network.type === 'host' ? [SHARED_LOOPBACK] : []),
      ...(network.type === 'open' ? [`${SHARED_LOOPBACK}: ${CLOSED_BY_HOSTS}`] : []),
    ],
    start: (spec) => startInSeatbelt(self, spec),
  };
}

async function startInSeatbelt(self: readonly string[], spec: ProcessSpec): Promise<SandboxedProcess> {
  const { network } = spec;
  const proxy =
    network.type === 'filtered' ? await openEgressProxy({ ...network, logger: spec.logger }) : undefined;
  const profile = seatbeltProfile({
    ownFolders: Object.values(ownFolders(spec.folder)),
    readOnlyPaths: [
      ...spec.readOnlyPaths,
      ...self.slice(0, 1),
      ...(spec.node === RUNTIME ? [nodeFolder(spec, self) ?? ''] : []),
    ],
    mounts: spec.mounts,
    overlays: spec.overlays ?? [],
    network: network.type === 'open' ? 'host' : network.type,
    proxyPort: proxy?.port,
    serverPort: spec.port?.outside,
  });
  try {
    return await startSupervised(spec, {
      self,
      prefix: [SANDBOX_EXEC, '-p', profile],
      environment: proxy === undefined ? {} : processProxyEnvironment(proxy.port),
      onEnd: async () => proxy?.[Symbol.asyncDispose](),
    });
  } catch (error) {
    await proxy?.[Symbol.asyncDispose]();
    throw error;
  }
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return ''; // other systems have none
  }
}
