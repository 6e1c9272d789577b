import { messageOf } from '../errors/index.ts';
import { effectiveChain, urlOf } from '../host/index.ts';
import { sleep } from '../platform/index.ts';
import { formatRunConfig, parseWorkloadName, type RunConfig, type WorkloadName } from '../records/index.ts';
import { createActRecord } from './act-record.ts';
import { keepClientSecrets } from './client-secret.ts';
import { bestEffort, type Context } from './context.ts';
import { prepareEdit } from './prepare-edit.ts';
import type { RunRequest } from './run-request.ts';
import { stopBeforeStart } from './stop.ts';
import { findReadable } from './stored.ts';
import { handToSupervisor } from './supervisor.ts';
import type { OperationOptions, RunInteraction, RunResult } from './types.ts';

/** How long stopping the old settings and starting the new ones may take together (spec 10 §11.6). */
const EXCHANGE_TIMEOUT_MS = 5 * 60_000;
/** How long the new settings are watched before they are believed in. */
const PROOF_MS = 60_000;
/** A server that ends at once was running for a moment. */
const STABLE_MS = 2000;
const POLL_MS = 200;

/** What a request cannot say: it stays as it was (spec 10 §20-11). */
const KEPT = [
  'allowed_origins',
  'publish',
  'stateless',
  'session_ttl',
  'strict_protocol_validation',
  'endpoint_prefix',
  'ignore_config',
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
  const made = keepRest(present, await prepareEdit(context, present, request, options));
  const wanted = await keepClientSecrets(context, name, made, options);
  return {
    name,
    port: wanted.port,
    url: urlOf(wanted),
    finished: exchangeConfig(context, name, wanted).then(
      () => undefined,
      (error: unknown) => context.logger.error('workload not updated', { workload: name, error }),
    ),
  };
}

function keepRest(present: RunConfig, wanted: RunConfig): RunConfig {
  const old = present as Readonly<Record<string, unknown>>;
  const isSameImage = present.image === wanted.image && present.remote_url === wanted.remote_url;
  const isSameBytes = present.resolved_image?.digest === wanted.resolved_image?.digest;
  const keys = [
    ...KEPT,
    ...(isSameImage && isSameBytes ? (['resolved_image'] as const) : []),
    ...(isSameImage ? KEPT_WITH_IMAGE : []),
    // Says how that image was made; a request that leaves it out clears it (spec 10 §11.6).
    ...(isSameImage && wanted.runtime_config !== undefined ? (['runtime_config'] as const) : []),
  ];
  const kept = Object.fromEntries(keys.flatMap((key) => (old[key] === undefined ? [] : [[key, old[key]]])));
  const steps = keptSteps(present, wanted);
  const labels = { ...present.container_labels, ...wanted.container_labels };
  return { ...wanted, ...kept, ...steps, container_labels: labels };
}

/** Steps of the chain that guard a server stay, unless the request says something else of them; with the keys that say the same. */
const KEPT_STEPS: Readonly<Record<string, readonly string[]>> = {
  audit: ['audit_config', 'audit_config_path'],
  authorization: ['authz_config', 'authz_config_path'],
  'tool-lock': ['tools_locked'],
  tokenexchange: ['token_exchange_config'],
  ratelimit: ['rate_limit_config', 'rate_limit_namespace', 'scaling_config'],
  'mutating-webhook': ['mutating_webhooks'],
  'validating-webhook': ['validating_webhooks'],
};

function keptSteps(present: RunConfig, wanted: RunConfig): Partial<RunConfig> {
  const old = present as Readonly<Record<string, unknown>>;
  const hasStep = (config: RunConfig, type: string) =>
    effectiveChain(config).some((entry) => entry.type === type);
  const kept = Object.keys(KEPT_STEPS).filter((type) => hasStep(present, type) && !hasStep(wanted, type));
  if (kept.length === 0) return {};
  const entries = effectiveChain(present).filter(({ type }) => kept.includes(type));
  const keys = kept.flatMap((type) => KEPT_STEPS[type] ?? []).filter((key) => old[key] !== undefined);
  return {
    ...Object.fromEntries(keys.map((key) => [key, old[key]])),
    middleware_configs: [...entries, ...wanted.middleware_configs],
  };
}

/**
 * Stops, removes, saves and starts. When the new settings do not start, the old ones are restored and the result says why. Another
 * change may be made while the new settings are watched: it does not wait for their outcome, and it wins.
 */
export async function exchangeConfig(
  context: Context,
  name: WorkloadName,
  wanted: RunConfig,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(EXCHANGE_TIMEOUT_MS);
  let present: RunConfig | undefined;
  let problem: string | undefined;
  {
    using _ = await context.exclusively(name, signal);
    // Asked again: another edit or a removal may have had its turn meanwhile.
    present = await context.runConfigs.find(name);
    if (present === undefined) return 'the workload was removed meanwhile';
    problem = await problemOf(() => startWith(context, name, wanted, signal));
    if (problem !== undefined) await startWith(context, name, present, signal);
  }
  if (problem === undefined) {
    problem = await problemOf(() => proveStarted(context, name, signal));
    if (problem === undefined) return undefined;
    using _ = await context.exclusively(name, signal);
    if (!(await isMeantToRun(context, name, wanted))) return problem;
    await startWith(context, name, present, signal);
  }
  context.logger.warn('update failed, putting the previous configuration back', {
    workload: name,
    error: problem,
  });
  await proveStarted(context, name, signal);
  const remark = `update failed, the previous configuration was restored: ${problem}`;
  await bestEffort(context.logger, 'failed to record that an update was taken back', () =>
    context.statuses.setIf(name, ({ status }) => status === 'running', 'running', remark),
  );
  return problem;
}

async function problemOf(step: () => Promise<void>): Promise<string | undefined> {
  try {
    await step();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Whether it is still to run with these settings: nobody stopped, removed or changed it since. */
async function isMeantToRun(context: Context, name: WorkloadName, wanted: RunConfig): Promise<boolean> {
  const { status } = (await context.statuses.find(name)) ?? {};
  const isUp = status === 'starting' || status === 'running' || status === 'unhealthy' || status === 'error';
  const stored = await context.runConfigs.find(name);
  return isUp && stored !== undefined && formatRunConfig(stored) === formatRunConfig(wanted);
}

async function startWith(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  signal: AbortSignal,
): Promise<void> {
  await stopBeforeStart(context, name, signal);
  await context.runtimes.of(await findReadable(context, name)).clear(name, { signal });
  await context.runConfigs.save(name, config);
  await createActRecord(context, name).step('starting');
  await handToSupervisor(context, name, config.debug ?? false);
}

/** Waits until it has run for a moment; throws with its status context when it failed, or ended and is being restarted. */
async function proveStarted(context: Context, name: WorkloadName, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PROOF_MS;
  let runningSince: number | undefined;
  while (performance.now() < deadline && !signal.aborted) {
    const { status, status_context } = (await context.statuses.find(name)) ?? {};
    if (status === 'error') throw new Error(status_context || 'the workload did not start');
    // A context is only given to a start that follows on an end.
    if (status === 'starting' && status_context) throw new Error(status_context);
    // A list that looked just when the container had ended calls it unhealthy; what follows tells.
    if (status !== 'starting' && status !== 'running' && status !== 'unhealthy') return;
    runningSince = status === 'running' ? (runningSince ?? performance.now()) : undefined;
    if (runningSince !== undefined && performance.now() - runningSince > STABLE_MS) return;
    await sleep(POLL_MS, signal);
  }
  const { status, status_context } = (await context.statuses.find(name)) ?? {};
  if (status === 'unhealthy') throw new Error(status_context || 'the workload is unhealthy');
}
