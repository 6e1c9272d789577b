import { release } from 'node:os';
import { openEgressProxy } from '../../egress/index.ts';
import { addressesOfMachine } from '../../net/index.ts';
import { PROGRAM, PROGRAMS, RUNTIME, WORK } from '../filesystem-view.ts';
import { holdLimits } from '../limits/hold-limits.ts';
import type { NetworkAccess } from '../network-access.ts';
import { processProxyEnvironment } from '../proxy-environment.ts';
import type { ProcessSpec, SandboxedProcess } from '../types.ts';
import { talkTo } from './dialogue.ts';
import { CONTROL, type GuardOrder, INGRESS, SOCKETS } from './launcher.ts';
import type { NamespaceMaker } from './namespace-maker.ts';
import { type Connection, connectNamespace, localPortsOf, unlessLost } from './open-network.ts';
import { settleFromOutside, sizesIn } from './settle.ts';
import { closeDescriptor, listenOnLoopback, receiveDescriptor, socketPair } from './sockets.ts';
import { FIRST_STAGED } from './staging.ts';
import { type Tree, watchTree } from './tree.ts';
import { isKernelRoot } from './unprivileged.ts';
import { viewFor } from './view.ts';

/** Ports of the egress proxy inside: the second for servers that listen on the first. */
const EGRESS_PORTS = [3128, 3129] as const;
/** What a process of root's sees itself as where it can be shown any number. */
const INSIDE_ID = 1000;

/** Starts a process in namespaces of its own; `self` is the command that starts this program. */
export async function startOnLinux(
  maker: NamespaceMaker,
  self: readonly string[],
  spec: ProcessSpec,
): Promise<SandboxedProcess> {
  const { signal } = spec;
  const network = joined(spec.network, maker);
  const isFiltered = network.type === 'filtered';
  const ownNetwork = network.type !== 'host';
  const egressPort = spec.port?.inside === EGRESS_PORTS[0] ? EGRESS_PORTS[1] : EGRESS_PORTS[0];
  const insideId = process.getuid?.() === 0 ? INSIDE_ID : undefined;
  const [, ...script] = self;
  using descriptors = new DisposableStack();
  const { view, staging } = await viewFor(maker, self, { ...spec, network }, insideId);
  if (staging !== undefined) descriptors.use(staging);
  const seen = (path: string) => staging?.pathOf(path) ?? path;
  // The child has copies of them after the start.
  const closeLater = (fd: number) => descriptors.adopt(fd, closeDescriptor);
  const [ours, theirs] = isFiltered ? socketPair() : [-1, -1];
  if (isFiltered) [ours, theirs].forEach(closeLater);
  const needsRelay = spec.port !== undefined && ownNetwork;
  const ingress = needsRelay ? closeLater(listenOnLoopback(spec.port.outside)) : -1;

  const own = maker.makesView ? [PROGRAM, ...script] : self.map(seen);
  const stage = staging && {
    place: staging.place,
    mounts: staging.mounts.length,
    id: staging.id,
    mayMakeNamespaces: maker.keepsCapability,
  };
  const guard: GuardOrder = { parent: process.pid, ...(stage === undefined ? {} : { stage }) };
  const isGuarded = maker.needsGuard || stage !== undefined;
  const command = [
    ...(isGuarded ? [...self, '__sandbox', 'guard', JSON.stringify(guard)] : []),
    ...maker.command([...own, '__sandbox', 'launch'], { view, ownNetwork, insideId }),
  ];
  const staged = Object.fromEntries((staging?.mounts ?? []).map((fd, index) => [FIRST_STAGED + index, fd]));
  const child = Bun.spawn(command, {
    cwd: '/',
    // The launcher is told the server's environment; it must not act upon it.
    env: { PATH: SYSTEM_PATH },
    stdio: stdio({ [SOCKETS]: theirs, [INGRESS]: ingress, ...staged }),
  });
  const tree = watchTree(child, { readsInput: spec.port === undefined });
  using dialogue = talkTo(child, signal);
  const [program = '', ...words] = spec.command;
  const rlimited = countsForEachNamespace() ? spec.limits?.processes : undefined;
  try {
    await dialogue.order({
      // By its path: `PATH` is the user's to set.
      command: [program === RUNTIME ? PROGRAM : program, ...words],
      cwd: spec.cwd ?? WORK,
      env: {
        PATH: `${PROGRAMS}:${SYSTEM_PATH}`,
        HOME: WORK,
        TMPDIR: '/tmp',
        LANG: 'C.UTF-8',
        ...spec.env,
        ...(isFiltered ? processProxyEnvironment(egressPort) : {}),
      },
      view,
      isViewInPlace: maker.makesView,
      egressPort: isFiltered ? egressPort : undefined,
      ingressPort: needsRelay ? spec.port.inside : undefined,
      ownNetwork,
      limits: { processes: rlimited, openFiles: spec.limits?.openFiles },
    });
    const first = tree.first();
    const held = holdLimits({
      root: child.pid,
      first,
      limits: spec.limits ?? {},
      // The kernel does not count for its own root.
      byResourceLimit: new Set(rlimited === undefined || keepsRoot(staging) ? [] : ['processes']),
      end: () => void tree.process.stop(0),
      logger: spec.logger,
    });
    tree.hold(held);
    const connection = first === undefined ? undefined : connect(network, first, { maker, spec, tree });
    const addresses = connection === undefined ? undefined : addressesOfMachine();
    const settle = { sizes: sizesIn(view), addresses };
    const proceeding = async () => {
      // What this launcher may not do in its namespaces is done from outside.
      await connection?.ready();
      if (maker.makesView && first !== undefined) await settleFromOutside(first, settle, { own, spec });
      await dialogue.proceed({ addresses: maker.makesView ? undefined : addresses });
    };
    await unlessLost(proceeding(), connection);
    void connection?.lost.then(() => tree.process.stop(0));
    if (isFiltered) {
      const listeningFd = receiveDescriptor(ours);
      const proxy = await openEgressProxy({ ...network, logger: spec.logger, listeningFd });
      tree.onEnd(async () => proxy[Symbol.asyncDispose]());
    }
    return tree.process;
  } catch (error) {
    await tree.process.stop(0);
    throw error;
  }
}

/** An open network is the machine's own where there is nothing to connect another one with. */
function joined(network: NetworkAccess, { pasta }: NamespaceMaker): NetworkAccess {
  return network.type === 'open' && pasta === undefined ? { type: 'host' } : network;
}

function keepsRoot(staging: object | undefined): boolean {
  return staging === undefined && isKernelRoot();
}

interface ConnectFacts {
  readonly maker: NamespaceMaker;
  readonly spec: ProcessSpec;
  readonly tree: Tree;
}

function connect(
  network: NetworkAccess,
  pid: number,
  { maker: { pasta }, spec, tree }: ConnectFacts,
): Connection | undefined {
  if (network.type !== 'open' || pasta === undefined) return undefined;
  const localPorts = localPortsOf(network, spec.env);
  const connection = connectNamespace({
    pasta,
    pid,
    localPorts,
    folder: spec.folder,
    logger: spec.logger,
  });
  tree.onEnd(() => connection.close());
  return connection;
}

/** Before Linux 5.14 the limit of processes counts all that the user runs, on the whole machine. */
function countsForEachNamespace(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}

const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

function stdio(extra: Readonly<Record<number, number>>) {
  const last = Math.max(
    CONTROL,
    ...Object.entries(extra).flatMap(([fd, own]) => (own >= 0 ? [Number(fd)] : [])),
  );
  const more = Array.from({ length: last - CONTROL }, (_, index) => {
    const own = extra[CONTROL + 1 + index] ?? -1;
    return own >= 0 ? own : ('ignore' as const);
  });
  return ['pipe', 'pipe', 'pipe', 'pipe', ...more] as [
    'pipe',
    'pipe',
    'pipe',
    'pipe',
    ...(number | 'ignore')[],
  ];
}
