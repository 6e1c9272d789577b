import { ThvError, toThvError, within } from '../errors/index.ts';
import { isPortAvailable, type Logger } from '../platform/index.ts';
import {
  parseWorkloadName,
  type RunConfig,
  type StatusRecord,
  type WorkloadName,
  type WorkloadStatus,
} from '../records/index.ts';
import { createActRecord } from './act-record.ts';
import { checkSecrets } from './check-secrets.ts';
import { bestEffort, type Context } from './context.ts';
import { prepareServer } from './prepare-server.ts';
import { serveUntilStopped } from './serve-here.ts';
import { findRecord } from './stored.ts';
import { endSupervisor, handToSupervisor, type Supervisor, supervisorOf } from './supervisor.ts';
import type { OperationOptions, Progress } from './types.ts';

/** Makes a stored workload ready to be served again and gives its document; `undefined` when it is being served already (spec 02 §7.3). */
async function makeStartable(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<RunConfig | undefined> {
  const config = await within(`failed to load state for ${name}`, () => context.runConfigs.get(name));
  const asking = context.askHost();
  const record = await findRecord(context, name);
  const runtime = context.runtimes.of(config);
  const seen = await runtime.find(name, { signal });
  const host = await asking;
  const supervisor = supervisorOf(name, record, host);
  const isOwn = supervisor.kind === 'dedicated' && supervisor.processId === process.pid;
  if (
    supervisor.kind !== 'none' &&
    !isOwn &&
    statusOf(supervisor, record) === 'running' &&
    (runtime.endsWithSupervisor || seen?.isUp === true)
  ) {
    return undefined;
  }
  if (!isOwn) await endSupervisor(context, name, record, { signal });
  if (!(await isPortAvailable(config.port))) {
    throw new ThvError(
      'ERR_PORT_UNAVAILABLE',
      { port: config.port },
      {
        hint: `another program uses the port of workload '${name}': end it, or run the workload again with another --proxy-port`,
      },
    );
  }
  // What was found has been made from what a start needs.
  if (seen === undefined) await prepareAnew(context, name, config, signal);
  await createActRecord(context, name).step('starting');
  return config;
}

/** Prepares a workload that has no server: the next server is made from what the document names now. */
async function prepareAnew(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  signal: AbortSignal | undefined,
): Promise<void> {
  const progress = loggedProgress(context.logger);
  const prepared = await prepareServer(context, config, { signal, progress });
  if (Bun.deepEquals(prepared.resolved_image, config.resolved_image)) return;
  // If this cannot be written, the image resolved before is used as long as the engine has it.
  await bestEffort(context.logger, 'failed to record the image of the workload', () =>
    context.runConfigs.save(name, prepared),
  );
}

/** The host's word about what it serves, else the file's. */
function statusOf(supervisor: Supervisor, record: StatusRecord | undefined): WorkloadStatus | undefined {
  const observed = supervisor.kind === 'host' ? supervisor.observed : undefined;
  return observed?.status ?? record?.status;
}

/** A start shows no progress; long steps are logged instead. */
function loggedProgress(logger: Logger): Progress {
  return {
    line: (text) => logger.info(text),
    update: () => undefined,
    output: (text) => logger.debug(text),
    revealOutput: () => undefined,
  };
}

export async function startWorkload(
  context: Context,
  rawName: string,
  { signal }: OperationOptions = {},
): Promise<'done' | 'already'> {
  const name = parseWorkloadName(rawName);
  return await within(`failed to restart workload ${name}`, async () => {
    const config = await makeStartable(context, name, signal);
    if (config === undefined) return 'already';
    try {
      await checkSecrets(context, config, { signal });
      await handToSupervisor(context, name, config.debug ?? false);
    } catch (error) {
      await createActRecord(context, name).step('error', toThvError(error).message);
      throw error;
    }
    return 'done';
  });
}

/** Serves a stored workload in this process until `signal` aborts; then its container is stopped (spec 02 §6.3). */
export async function startWorkloadForeground(
  context: Context,
  rawName: string,
  { signal, onReady }: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  const name = parseWorkloadName(rawName);
  await within(`failed to restart workload ${name}`, async () => {
    if ((await makeStartable(context, name, signal)) === undefined) return;
    await serveUntilStopped(context, name, { signal, onReady });
  });
}
