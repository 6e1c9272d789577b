import { release } from 'node:os';
import { ThvError } from '../../errors/index.ts';
import { sleep } from '../../platform/index.ts';
import type { Child } from '../child.ts';
import { openEgressProxy } from '../egress/proxy.ts';
import { linuxView, PROGRAM, PROGRAMS, RUNTIME, type ViewEntry, WORK } from '../filesystem-view.ts';
import { writeOrder } from '../order.ts';
import { prepareFolder } from '../process-folder.ts';
import { proxyEnvironment } from '../proxy-environment.ts';
import type { ProcessSpec, SandboxedProcess } from '../types.ts';
import { CONTROL, INGRESS, type LaunchOrder, type LaunchReport, SOCKETS } from './launcher.ts';
import { closeDescriptor, listenOnLoopback, receiveDescriptor, socketPair } from './sockets.ts';
import { watchTree } from './tree.ts';

/** How a backend gets the launcher into its namespaces. */
export interface Backend {
  /** The view is made by the backend and not by the launcher. */
  readonly makesView: boolean;
  command(
    launcher: readonly string[],
    facts: { view: readonly ViewEntry[]; ownNetwork: boolean },
  ): readonly string[];
}

/** Ports of the egress proxy inside: the second for servers that listen on the first. */
const EGRESS_PORTS = [3128, 3129] as const;
const START_TIMEOUT_MS = 20_000;

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
  const { work, settings } = prepareFolder(spec.folder, spec.network);
  const [executable = '', ...script] = self;
  const view = linuxView({
    workFolder: work,
    readOnlyPaths: [...spec.readOnlyPaths, ...script.map(sourcesOf)],
    settings,
    mounts: [...spec.mounts, ...(spec.overlays ?? [])],
    executable,
    hasHostNetwork: !ownNetwork,
  });
  using descriptors = new DisposableStack();
  // The child has copies of them after the start.
  const closeLater = (fd: number) => descriptors.adopt(fd, closeDescriptor);
  const [ours, theirs] = isFiltered ? socketPair() : [-1, -1];
  if (isFiltered) [ours, theirs].forEach(closeLater);
  const needsRelay = spec.port !== undefined && ownNetwork;
  const ingress = needsRelay ? closeLater(listenOnLoopback(spec.port.outside)) : -1;

  const launcher = [backend.makesView ? PROGRAM : executable, ...script, '__sandbox', 'launch'];
  const child = Bun.spawn([...backend.command(launcher, { view, ownNetwork })], {
    cwd: '/',
    // The launcher is told the server's environment; it must not act upon it.
    env: { PATH: SYSTEM_PATH },
    stdio: stdio({ [SOCKETS]: theirs, [INGRESS]: ingress }),
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
      const proxy = await openEgressProxy({ ...network, logger: spec.logger, listeningFd });
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

/** During development the program is a script: its sources have to be seen as well. */
function sourcesOf(script: string): string {
  return script.replace(/\/src\/[^/]+$/, '');
}

/** Tells the launcher what to do and waits for its report. */
async function giveOrder(child: Child, order: LaunchOrder, signal: AbortSignal): Promise<LaunchReport> {
  await writeOrder(child.stdin, order);
  const giveUp = new AbortController();
  const onAbort = () => giveUp.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([
      readReport(child),
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
  const fd = child.stdio[CONTROL];
  if (typeof fd !== 'number') throw new ThvError('ERR_INTERNAL', { reason: 'no channel to the launcher' });
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of Bun.file(fd).stream()) {
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
