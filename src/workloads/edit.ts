import { messageOf } from '../errors/index.ts';
import { findContainer, urlOf } from '../host/index.ts';
import { sleep } from '../platform/index.ts';
import { isContainer, parseWorkloadName, type RunConfig, type WorkloadName } from '../records/index.ts';
import type { Context } from './context.ts';
import { DEFAULT_GRACE_SECONDS, stopWorkload } from './lifecycle.ts';
import { prepareEdit } from './prepare-run.ts';
import { spawnSupervisor } from './supervisor.ts';
import type { OperationOptions, RunInteraction, RunRequest, RunResult } from './types.ts';

/** The whole exchange (spec 10 §11.6). */
const EXCHANGE_TIMEOUT_MS = 5 * 60_000;
/** How long the new settings are watched before they are believed in. */
const PROOF_MS = 60_000;
const POLL_MS = 200;

/** What a request cannot say: it stays as it was (spec 10 §20-11). */
const KEPT = [
  'allowed_origins',
  'publish',
  'stateless',
  'session_ttl',
  'strict_protocol_validation',
  'endpoint_prefix',
] as const;
/** Where the image came from: stays as long as the image does. */
const KEPT_WITH_IMAGE = [
  'registry_server_name',
  'registry_url',
  'registry_api_url',
  'package_reference',
] as const;

/** Gives a workload other settings; see `WorkloadManager.edit`. */
export async function editWorkload(
  context: Context,
  rawName: string,
  request: RunRequest,
  options: OperationOptions & RunInteraction,
): Promise<RunResult & { readonly finished: Promise<void> }> {
  const name = parseWorkloadName(rawName);
  const present = await context.runConfigs.get(name);
  const wanted = keepRest(present, await prepareEdit(context, present, request, options));
  return {
    name,
    port: wanted.port,
    url: urlOf(wanted),
    finished: exchange(context, name, wanted).catch((error: unknown) =>
      context.logger.error('workload not updated', { workload: name, error }),
    ),
  };
}

function keepRest(present: RunConfig, wanted: RunConfig): RunConfig {
  const old = present as Readonly<Record<string, unknown>>;
  const isSameImage = present.image === wanted.image && present.remote_url === wanted.remote_url;
  const keys = [
    ...KEPT,
    ...(isSameImage ? KEPT_WITH_IMAGE : []),
    // Says how that image was made; a request that leaves it out clears it (spec 10 §11.6).
    ...(isSameImage && wanted.runtime_config !== undefined ? (['runtime_config'] as const) : []),
  ];
  const kept = Object.fromEntries(keys.flatMap((key) => (old[key] === undefined ? [] : [[key, old[key]]])));
  const labels = { ...present.container_labels, ...wanted.container_labels };
  return { ...wanted, ...kept, container_labels: labels };
}

/** Stop, remove, save, start; when the new settings do not start, the old ones take their place again. */
async function exchange(context: Context, name: WorkloadName, wanted: RunConfig): Promise<void> {
  const signal = AbortSignal.timeout(EXCHANGE_TIMEOUT_MS);
  using _ = await context.exclusively(name, signal);
  // Asked again: another edit or a removal may have had its turn meanwhile.
  const present = await context.runConfigs.find(name);
  if (present === undefined) return;
  try {
    await startWith(context, name, wanted, signal);
    await proveStarted(context, name, signal);
  } catch (error) {
    const reason = messageOf(error);
    context.logger.warn('update failed, putting the previous configuration back', {
      workload: name,
      error: reason,
    });
    await startWith(context, name, present, signal);
    await proveStarted(context, name, signal);
    await context.statuses.setIf(
      name,
      ({ status }) => status === 'running',
      'running',
      `update failed, the previous configuration was restored: ${reason}`,
    );
  }
}

async function startWith(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  signal: AbortSignal,
): Promise<void> {
  await stopWorkload(context, name, { graceSeconds: DEFAULT_GRACE_SECONDS, signal });
  const stored = await context.runConfigs.find(name);
  if (stored === undefined || isContainer(stored)) {
    const engine = await context.engine(signal);
    const container = await findContainer(engine, name, signal);
    if (container !== undefined) await engine.containers.remove(container.Id, { force: true, signal });
  }
  await context.runConfigs.save(name, config);
  await context.statuses.set(name, 'starting');
  await spawnSupervisor(context, name, config.debug ?? false);
}

/** Waits while it starts; throws with its status context when it failed for good. */
async function proveStarted(context: Context, name: WorkloadName, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PROOF_MS;
  while (performance.now() < deadline && !signal.aborted) {
    const record = await context.statuses.find(name);
    if (record?.status === 'error') throw new Error(record.status_context || 'the workload did not start');
    if (record?.status !== 'starting') return;
    await sleep(POLL_MS, signal);
  }
}
