import { type Engine, openEngine } from '../engine/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { ensureDefaultGroup } from '../groups/index.ts';
import {
  deleteProcessFolder,
  deleteSessionJournal,
  findByExactName,
  findContainer,
  removeUnusedNetwork,
  startWorkloadRun,
  urlOf,
} from '../host/index.ts';
import { aborted, type Logger } from '../platform/index.ts';
import {
  isProcess,
  type PermissionProfile,
  parseNewWorkloadName,
  type RunConfig,
  sanitizeWorkloadName,
  type WorkloadName,
} from '../records/index.ts';
import { readPermissionProfile } from '../sandbox/index.ts';
import { identifySource } from '../sources/index.ts';
import { buildRunConfig } from './build-run-config.ts';
import { checkGroup } from './check-group.ts';
import { checkSecrets } from './check-secrets.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { fillEnvironment } from './fill-environment.ts';
import { admitRunConfig, readRunConfigFile, withFreePorts } from './import.ts';
import { ensureImage, imageOf } from './obtain-image.ts';
import { planRun } from './plan-run.ts';
import { ensureProcess, openRuntime, withRuntime } from './runtime.ts';
import { spawnSupervisor } from './supervisor.ts';
import { readToolsOverride } from './tools-override.ts';
import type { ImportRequest, OperationOptions, RunInteraction, RunOutcome, RunRequest } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** A workload that may be saved and started. */
interface Prepared {
  readonly context: Context;
  /** Absent for a process. */
  readonly engine: Engine | undefined;
  readonly name: WorkloadName;
  readonly config: RunConfig;
}

/** Everything up to the saved workload (spec 01 §4.4): nothing is left behind when any step fails or is cancelled. */
async function prepare(
  context: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<Prepared> {
  const prepared =
    'configFile' in request
      ? await prepareDocument(context, request, options)
      : await prepareNew(context, request, options);
  const { engine, config } = prepared;
  await within('failed to validate workload parameters', () =>
    checkSecrets(prepared.context, config, options),
  );
  if (engine !== undefined) await ensureImage(prepared.context, engine, config, options);
  options.signal?.throwIfAborted();
  return prepared;
}

async function prepareNew(outer: Context, request: RunRequest, options: RunOptions): Promise<Prepared> {
  const { signal, ask } = options;
  const context = withRuntime(outer, request.runtime);
  const { logger } = context;
  const { kind: runtime, engine } = await openRuntime(context, request, options);
  const finding = `failed to find or create the MCP server ${request.source}`;
  const registry = () => context.registry();
  const source = await within(finding, () => identifySource(request.source, { registry, signal }));
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? source.defaultName, logger),
  );
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, request.group);
  const image = await within(finding, () =>
    engine === undefined
      ? ensureProcess(context, processSettings(request), options)
      : imageOf(context, engine, source, request, options),
  );
  const toolsOverride = await readToolsOverride(request.toolsOverrideFile);
  const plan = await within('failed to validate run config', async () =>
    planRun(source, {
      given: { ...request, toolsOverride, permissions: await permissionsOf(request) },
      stateless: request.stateless,
      registrySource: async () => (await registry()).source(),
    }),
  );
  const config = await buildRunConfig(request, {
    name,
    image,
    runtime,
    plan,
    toolsOverride,
    fill: (provided) => fillEnvironment(context, plan.variables, provided, { ask, signal }),
    reservedPorts: await portsOfOthers(context, name),
    logger,
  });
  return { context, engine, name, config };
}

function processSettings({ source, noSandbox, allowInstallScripts }: RunRequest) {
  return { image: source, no_sandbox: noSandbox, allow_install_scripts: allowInstallScripts };
}

async function permissionsOf({ permissionProfile }: RunRequest): Promise<PermissionProfile | undefined> {
  if (permissionProfile === undefined) return undefined;
  return await readPermissionProfile(permissionProfile);
}

/** `--from-config` (spec 01 §4.8): as strict as any other run about what is in the file. */
async function prepareDocument(
  context: Context,
  { configFile, debug }: ImportRequest,
  options: RunOptions,
): Promise<Prepared> {
  const { paths, logger } = context;
  const document = await readRunConfigFile(configFile);
  const importing = `failed to import ${configFile}`;
  const { name, config } = await within(importing, () =>
    admitRunConfig(debug ? { ...document, debug } : document, { paths, logger }),
  );
  const { signal } = options;
  const engine = isProcess(config) ? undefined : await context.engine(signal);
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, config.group ?? '');
  if (engine === undefined) await ensureProcess(context, config, options);
  const reservedPorts = await portsOfOthers(context, name);
  return {
    context,
    engine,
    name,
    config: await within(importing, () => withFreePorts(config, reservedPorts)),
  };
}

/** Detached: the supervisor takes over, and this returns without waiting for readiness (spec 01 §4.7). */
export async function runWorkload(
  outer: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<RunOutcome> {
  const { context, engine, name, config } = await prepare(outer, request, options);
  try {
    await save(context, name, config);
    options.signal?.throwIfAborted();
    await within('failed to start detached process', () =>
      spawnSupervisor(context, name, config.debug ?? false),
    );
  } catch (error) {
    await discard(context, engine, name);
    throw error;
  }
  return { name, url: urlOf(config) };
}

/**
 * In this process until `signal` aborts or it fails for good. Then the workload is deleted, unless it came from a file
 * (spec 02 §6.4): that one is stopped.
 */
export async function runWorkloadForeground(
  outer: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions & { readonly onReady: (outcome: RunOutcome) => void },
): Promise<void> {
  const { context, engine, name, config } = await prepare(outer, request, options);
  const serving = {
    signal: options.signal,
    onReady: (url: string) => options.onReady({ name, url }),
  };
  if ('configFile' in request) {
    await save(context, name, config);
    const { serveUntilStopped } = await import('./lifecycle.ts');
    await serveUntilStopped(context, name, serving);
    return;
  }
  try {
    await save(context, name, config);
    await serveHere(context, name, serving);
  } finally {
    await discard(context, engine, name);
  }
}

/** Serves a stored workload in this process. Throws what made it fail for good. */
export async function serveHere(
  context: Context,
  name: WorkloadName,
  { signal, onReady }: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  const run = startWorkloadRun(
    name,
    {
      runConfigs: context.runConfigs,
      statuses: context.statuses,
      paths: context.paths,
      openEngine: (env, engineSignal) =>
        openEngine({ env: { ...context.env, ...env }, signal: engineSignal }),
      logger: context.logger,
    },
    { environment: context.environment, onServing: onReady },
  );
  if (signal !== undefined) {
    await Promise.race([run.finished, aborted(signal)]);
    await run.end(0);
  }
  const end = await run.finished;
  if (end.type === 'failed') throw end.error;
}

/** Slashes are repaired, everything else that a name must not hold is refused (spec 01 §4.5). */
function newName(raw: string, logger: Logger): WorkloadName {
  parseNewWorkloadName(raw.replaceAll('/', '-'));
  const name = parseNewWorkloadName(sanitizeWorkloadName(raw));
  if (name !== raw) {
    logger.warn('The provided name contained invalid characters and was sanitized', {
      given: raw,
      workload: name,
    });
  }
  return name;
}

async function save(context: Context, name: WorkloadName, config: RunConfig): Promise<void> {
  await ensureDefaultGroup(context.paths.state);
  await within('failed to save run configuration', () => context.runConfigs.save(name, config));
  await context.statuses.set(name, 'starting');
}

/** Removes everything a run made: container, network, document, status. */
async function discard(context: Context, engine: Engine | undefined, name: WorkloadName): Promise<void> {
  const { logger } = context;
  await context.desired.remove(name);
  if (engine !== undefined) {
    await bestEffort(logger, 'failed to remove container', async () => {
      const container = await findContainer(engine, name);
      if (container !== undefined) await engine.containers.remove(container.Id, { force: true });
    });
    await removeUnusedNetwork(engine, logger);
  }
  deleteProcessFolder(context.paths, name);
  deleteSessionJournal(context.paths.state, name);
  await leaveClients(context, name, await context.runConfigs.find(name).catch(() => undefined));
  await bestEffort(logger, 'failed to delete run configuration', () => context.runConfigs.delete(name));
  await bestEffort(logger, 'failed to delete status', () => context.statuses.delete(name));
}

/** Any workload of that name blocks it, except one that failed (spec 02 §6.1). */
async function refuseTakenName(
  context: Context,
  engine: Engine | undefined,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  const record = await context.statuses.find(name);
  if (record?.status === 'error') return;
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  if (record !== undefined || container !== undefined) {
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  }
  if (engine === undefined) return;
  if ((await findByExactName(engine, name, signal)) !== undefined) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a container named '${name}' exists that thv does not manage` },
      { hint: 'choose another name with --name, or remove that container' },
    );
  }
}

/** Ports that other stored workloads come back to. */
async function portsOfOthers(context: Context, name: WorkloadName): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  for (const other of await context.runConfigs.names()) {
    if (other === name) continue;
    try {
      const config = await context.runConfigs.find(other as WorkloadName);
      if (config !== undefined) ports.add(config.port);
    } catch {
      // an unreadable document reserves no port
    }
  }
  return ports;
}
