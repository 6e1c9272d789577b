import { join } from 'node:path';
import { grantStopTime, type HostAnswer, type Observation } from '../host/index.ts';
import {
  commandLineOf,
  isProcessAlive,
  openOutput,
  selfCommand,
  spawnDetached,
  terminateProcess,
} from '../platform/index.ts';
import type { StatusRecord, WorkloadName } from '../records/index.ts';
import { bestEffort, type Context, isDedicated } from './context.ts';

/** Time a dedicated supervisor has to end after SIGTERM before it is killed (spec 02 §15-4). */
const TERMINATION_PATIENCE_MS = 10_000;

/** Who serves a workload now: the shared host is asked, a process of its own is told by status file and process table. */
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

/** What tells who serves a workload. */
interface SupervisorFacts {
  readonly record: StatusRecord | undefined;
  readonly host: HostAnswer;
}

/**
 * Ends whatever serves the workload, and with it a server that is a process, which gets `processGraceSeconds` to end by itself;
 * returns when both have ended. A container is not touched.
 */
export async function endSupervisor(
  context: Context,
  name: WorkloadName,
  { record, host: answer }: SupervisorFacts,
  processGraceSeconds?: number,
): Promise<void> {
  const { desired, statuses, logger } = context;
  const extraMs = (processGraceSeconds ?? 0) * 1000;
  if (processGraceSeconds !== undefined) {
    await bestEffort(logger, 'the server is given the usual time to end', async () =>
      grantStopTime(context.paths, name, processGraceSeconds),
    );
  }
  await bestEffort(logger, 'failed to note that the workload was told to end', () => desired.end(name));
  const host = await context.findHost();
  if (host !== undefined && (await host.end(name, extraMs))) return;
  const supervisor = supervisorOf(name, record, answer);
  if (supervisor.kind !== 'dedicated' || supervisor.processId === process.pid) return;
  await terminateProcess(supervisor.processId, TERMINATION_PATIENCE_MS + extraMs);
  await bestEffort(logger, 'failed to record that the supervisor ended', () =>
    statuses.resetProcessId(name, supervisor.processId),
  );
}

/** Hands a stored workload to the shared host, or starts the process of its own (spec 02 §6.2). */
export async function spawnSupervisor(context: Context, name: WorkloadName, debug: boolean): Promise<void> {
  const logPath = workloadLogPath(context, name);
  if (!(await isDedicated(context))) {
    const host = await context.ensureHost(debug);
    await host.start(name, context.environment);
    context.logger.info('logging to', { path: logPath });
    return;
  }
  const { logger } = context;
  await bestEffort(logger, 'failed to forget an earlier stop', () => context.desired.remove(name));
  const command = [...selfCommand(), 'start', name, '--foreground', ...(debug ? ['--debug'] : [])];
  const env = { ...context.env, TOOLHIVE_DETACHED: '1' };
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
