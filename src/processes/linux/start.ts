import { release } from 'node:os';
import { ThvError } from '../../errors/index.ts';
import { sleep } from '../../platform/index.ts';
import { type Child, takeChannel } from '../child.ts';
import { openEgressProxy } from '../egress/proxy.ts';
import { PROGRAM, PROGRAMS, type ViewEntry, WORK } from '../filesystem-view.ts';
import { writeOrder } from '../order.ts';
import { RUNTIME } from '../packages/npm.ts';
import { proxyEnvironment } from '../proxy-environment.ts';
import type { ProcessSpec, SandboxedProcess } from '../types.ts';
import {
  CONTROL,
  type GuardOrder,
  INGRESS,
  type LaunchOrder,
  type LaunchReport,
  SOCKETS,
} from './launcher.ts';
import { closeDescriptor, listenOnLoopback, receiveDescriptor, socketPair } from './sockets.ts';
import { FIRST_STAGED } from './staging.ts';
import { watchTree } from './tree.ts';
import { viewFor } from './view.ts';

/** How a backend gets the launcher into its namespaces. */
export interface Backend {
  /** The program that makes them. */
  readonly program: string;
  /** It would outlive its parent. */
  readonly needsGuard: boolean;
  /** Run by root it takes, and needs on some machines, the capability to make namespaces with it when it stops being root. */
  readonly keepsCapability: boolean;
  /** The view is made by the backend and not by the launcher. */
  readonly makesView: boolean;
  command(
    launcher: readonly string[],
    facts: {
      readonly view: readonly ViewEntry[];
      readonly ownNetwork: boolean;
      /** The number of user and group that a process of root's sees itself as. */
      readonly insideId: number | undefined;
    },
  ): readonly string[];
}

/** Ports of the egress proxy inside: the second for servers that listen on the first. */
const EGRESS_PORTS = [3128, 3129] as const;
const START_TIMEOUT_MS = 20_000;
/** What a process of root's sees itself as where the backend can show it any number. */
const INSIDE_ID = 1000;

/** Starts a process in namespaces of its own; `self` is the command that starts this program. */
export async function startOnLinux(
  backend: Backend,
  self: readonly string[],
  spec: ProcessSpec,
): Promise<SandboxedProcess> {
  const { network, signal } = spec;
  const isFiltered = network.type === 'filtered';
  const ownNetwork = network.type !== 'host';
  const egressPort = spec.port?.inside === EGRESS_PORTS[0] ? EGRESS_PORTS[1] : EGRESS_PORTS[0];
  const insideId = process.getuid?.() === 0 ? INSIDE_ID : undefined;
  const [executable = '', ...script] = self;
  using descriptors = new DisposableStack();
  const { view, staging } = await viewFor(backend, self, spec, insideId);
  if (staging !== undefined) descriptors.use(staging);
  const seen = (path: string) => staging?.pathOf(path) ?? path;
  // The child has copies of them after the start.
  const closeLater = (fd: number) => descriptors.adopt(fd, closeDescriptor);
  const [ours, theirs] = isFiltered ? socketPair() : [-1, -1];
  if (isFiltered) [ours, theirs].forEach(closeLater);
  const needsRelay = spec.port !== undefined && ownNetwork;
  const ingress = needsRelay ? closeLater(listenOnLoopback(spec.port.outside)) : -1;

  const launcher = [
    backend.makesView ? PROGRAM : seen(executable),
    ...script.map((path) => (backend.makesView ? path : seen(path))),
    ...['__sandbox', 'launch'],
  ];
  const stage = staging && {
    place: staging.place,
    mounts: staging.mounts.length,
    id: staging.id,
    mayMakeNamespaces: backend.keepsCapability,
  };
  const guard: GuardOrder = { parent: process.pid, ...(stage === undefined ? {} : { stage }) };
  const isGuarded = backend.needsGuard || stage !== undefined;
  const command = [
    ...(isGuarded ? [...self, '__sandbox', 'guard', JSON.stringify(guard)] : []),
    ...backend.command(launcher, { view, ownNetwork, insideId }),
  ];
  const staged = Object.fromEntries((staging?.mounts ?? []).map((fd, index) => [FIRST_STAGED + index, fd]));
  const child = Bun.spawn(command, {
    cwd: '/',
    // The launcher is told the server's environment; it must not act upon it.
    env: { PATH: SYSTEM_PATH },
    stdio: stdio({ [SOCKETS]: theirs, [INGRESS]: ingress, ...staged }),
  });
  const tree = watchTree(child);
  const [program = '', ...words] = spec.command;
  try {
    const report = await giveOrder(
      child,
      {
        // By its path: `PATH` is the user's to set.
        command: [program === RUNTIME ? PROGRAM : program, ...words],
        cwd: spec.cwd ?? WORK,
        env: {
          PATH: `${PROGRAMS}:${SYSTEM_PATH}`,
          HOME: WORK,
          TMPDIR: '/tmp',
          LANG: 'C.UTF-8',
          ...spec.env,
          ...(isFiltered ? proxyEnvironment(egressPort) : {}),
        },
        view,
        isViewInPlace: backend.makesView,
        egressPort: isFiltered ? egressPort : undefined,
        ingressPort: needsRelay ? spec.port.inside : undefined,
        ownNetwork,
        limits: {
          processes: countsForEachNamespace() ? spec.limits?.processes : undefined,
          openFiles: spec.limits?.openFiles,
        },
      },
      signal,
    );
    if (report.problem !== undefined) throw new ThvError('ERR_SANDBOX_FAILED', { reason: report.problem });
    if (isFiltered) {
      const listeningFd = receiveDescriptor(ours);
      const proxy = await openEgressProxy({ rules: network.rules, logger: spec.logger, listeningFd });
      tree.onEnd(async () => proxy[Symbol.asyncDispose]());
    }
    return tree.process;
  } catch (error) {
    await tree.process.stop(0);
    throw error;
  }
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

/** Tells the launcher what to do and waits for its report. */
async function giveOrder(child: Child, order: LaunchOrder, signal: AbortSignal): Promise<LaunchReport> {
  const giveUp = new AbortController();
  const onAbort = () => giveUp.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const report = readReport(child);
  try {
    // A child that ended too early to take its order says why in its report.
    writeOrder(child.stdin, order).catch(() => undefined);
    return await Promise.race([
      report,
      sleep(START_TIMEOUT_MS, giveUp.signal).then(() => ({
        problem: signal.aborted ? 'cancelled' : 'the sandbox did not come up in time',
      })),
    ]);
  } finally {
    giveUp.abort();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Without one, whoever was to bring the launcher into the sandbox said why on stderr. */
async function readReport(child: Child): Promise<LaunchReport> {
  using channel = takeChannel(child, CONTROL);
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of Bun.file(channel.fd).stream()) {
      text += decoder.decode(chunk, { stream: true });
      const line = text.indexOf('\n');
      if (line >= 0) return JSON.parse(text.slice(0, line));
    }
  } catch {
    // its other end was closed; what was said before is on stderr
  }
  const words = (await new Response(child.stderr).text()).trim();
  return { problem: words === '' ? 'the sandbox ended before the process was started' : words };
}
