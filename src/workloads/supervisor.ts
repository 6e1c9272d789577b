import { join } from 'node:path';
import { findClaimant, findClaimOf, type HostAnswer, type Observation } from '../host/index.ts';
import {
  commandLineOf,
  environmentOf,
  isProcessAlive,
  openOutput,
  type Paths,
  processIds,
  resolvePaths,
  selfCommand,
  spawnDetached,
  terminateProcess,
} from '../platform/index.ts';
import { RUNTIME_VARIABLE, type StatusRecord, type WorkloadName } from '../records/index.ts';
import { bestEffort, type Context, isDedicated } from './context.ts';

/** Time a dedicated supervisor has to end after SIGTERM before it is killed (spec 02 §15-4). */
const TERMINATION_PATIENCE_MS = 10_000;
/** More for one that waits for its engine to answer a create or a start, which would come to nothing good without it. */
const DEPLOY_PATIENCE_MS = 60_000;

/** Who serves a workload now. The shared host is asked; a dedicated process is found by status file and process table. */
export type Supervisor =
  | { readonly kind: 'none' }
  /** `observed` is missing when the host lives and does not say. */
  | { readonly kind: 'host'; readonly processId: number; readonly observed?: Observation }
  /** A process of its own: dedicated mode, foreground, or the reference's. */
  | { readonly kind: 'dedicated'; readonly processId: number };

export function supervisorOf(
  name: WorkloadName,
  record: StatusRecord | undefined,
  host: HostAnswer,
): Supervisor {
  const processId = record?.process_id ?? 0;
  if (host.type === 'answers') {
    const observed = host.workloads.get(name);
    if (observed !== undefined) return { kind: 'host', processId: host.processId, observed };
    // It lives, and serves something else by now.
    if (processId === host.processId) return { kind: 'none' };
  }
  if (!isProcessAlive(processId)) return { kind: 'none' };
  const commandLine = commandLineOf(processId);
  // Not every system tells command lines; a living process is then believed.
  const kind = commandLine === undefined ? 'host' : kindOf(commandLine, name);
  return kind === 'none' ? { kind } : { kind, processId };
}

/**
 * What a process is to the workload, as its command line tells. Process ids are used again, and a dedicated supervisor is sent
 * signals: another program is none (spec 02 §6.6, §15-4). A host never is, so its executable may have any name.
 */
export function kindOf(
  commandLine: string,
  name: WorkloadName,
  self: readonly string[] = selfCommand(),
): Supervisor['kind'] {
  if (/ host(?: --debug)?$/.test(commandLine)) return 'host';
  const isThv =
    commandLine.startsWith(`${self.join(' ')} `) || /(?:^|[\\/])thv(?:[-.][^\\/ "]*)?"? /.test(commandLine);
  if (!isThv) return 'none';
  const isForeground = / run (?:.* )?(?:-f|--foreground)/.test(commandLine);
  return isForeground || startsWorkload(commandLine, name) ? 'dedicated' : 'none';
}

/** ` start <base>` or ` restart <base>`, flags between them or not, followed by the end, a space or a dash (spec 02 §6.6, §15-23). */
function startsWorkload(commandLine: string, name: WorkloadName): boolean {
  const escaped = name.replaceAll('.', '\\.');
  return new RegExp(` (?:re)?start (?:-\\S+ )*${escaped}(?:$|[ -])`).test(commandLine);
}

interface EndOptions {
  /** Grace period of a server that ends with its supervisor. */
  readonly serverGraceSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends whatever serves the workload, and with it a server that ends with its supervisor, which gets `serverGraceSeconds` for that;
 * returns when both have ended, and whether there was anybody. A container is not touched, but one that was being made is there now,
 * and has to be looked up again.
 */
export async function endSupervisor(
  context: Context,
  name: WorkloadName,
  record: StatusRecord | undefined,
  { serverGraceSeconds, signal }: EndOptions = {},
): Promise<boolean> {
  const { desired, statuses, logger, runtimes } = context;
  const extraMs = (serverGraceSeconds ?? 0) * 1000;
  if (serverGraceSeconds !== undefined) {
    await bestEffort(logger, 'the server is given the usual time to end', async () => {
      for (const runtime of runtimes.all) runtime.grantStopTime(name, serverGraceSeconds);
    });
  }
  await bestEffort(logger, 'failed to note that the workload was told to end', () => desired.end(name));
  const host = await context.findHost();
  if (host !== undefined && (await host.end(name, { extraMs, signal }))) return true;
  const processId = findDedicated(context, name, record);
  if (processId === undefined) return false;
  const isDeploying = runtimes.all.some((runtime) => runtime.isDeploying(name));
  await terminateProcess(
    processId,
    TERMINATION_PATIENCE_MS + extraMs + (isDeploying ? DEPLOY_PATIENCE_MS : 0),
  );
  await bestEffort(logger, 'failed to record that the supervisor ended', () =>
    statuses.resetProcessId(name, processId),
  );
  return true;
}

/**
 * The dedicated process that serves a workload, never this one. It is found by its claim, else by the status file, else, when that
 * is lost too, by the process table. A process that might be another program does not count.
 */
export function findDedicated(
  { paths }: Pick<Context, 'paths'>,
  name: WorkloadName,
  record: StatusRecord | undefined,
): number | undefined {
  const claimant = findClaimant(paths.state, name);
  if (claimant !== undefined) return claimant === process.pid ? undefined : claimant;
  const recorded = record?.process_id ?? 0;
  if (isProcessAlive(recorded) && isServing(paths, name, recorded)) return recorded;
  return record?.status === 'stopped'
    ? undefined
    : processIds().find(
        (processId) =>
          startsWorkload(commandLineOf(processId) ?? '', name) && isServing(paths, name, processId),
      );
}

/** A process whose command line says that it serves the workload: whether it is of this state folder and has claimed no other. */
function isServing(paths: Paths, name: WorkloadName, processId: number): boolean {
  if (processId === process.pid || kindOf(commandLineOf(processId) ?? '', name) !== 'dedicated') return false;
  const claimed = findClaimOf(paths.state, processId);
  if (claimed !== undefined) return claimed === name;
  const env = environmentOf(processId);
  // Where the system tells no environments, the command line has to do.
  return env === undefined ? process.platform !== 'linux' : resolvePaths(env).state === paths.state;
}

/** Hands a stored workload to the shared host, or starts the process of its own (spec 02 §6.2). */
export async function handToSupervisor(context: Context, name: WorkloadName, debug: boolean): Promise<void> {
  const logPath = workloadLogPath(context, name);
  if (!(await isDedicated(context))) {
    const host = await context.ensureHost(debug);
    await host.start(name, { environment: context.environment, runtime: context.usualRuntime });
    context.logger.info('logging to', { path: logPath });
    return;
  }
  const { logger } = context;
  await bestEffort(logger, 'failed to forget an earlier stop', () => context.desired.remove(name));
  const command = [...selfCommand(), 'start', name, '--foreground', ...(debug ? ['--debug'] : [])];
  const env = { ...context.env, [RUNTIME_VARIABLE]: context.usualRuntime, TOOLHIVE_DETACHED: '1' };
  let processId: number;
  {
    using output = openOutput(logPath, (reason) =>
      logger.warn('output is discarded: the log cannot be opened', { path: logPath, error: reason }),
    );
    logger.info('logging to', { path: logPath });
    processId = spawnDetached(command, { env, outputFd: output.fd });
  }
  await bestEffort(logger, 'failed to record the process of the workload', () =>
    context.statuses.setProcessId(name, processId),
  );
}

export function workloadLogPath(context: Context, name: WorkloadName): string {
  return join(context.paths.data, 'logs', `${name}.log`);
}
