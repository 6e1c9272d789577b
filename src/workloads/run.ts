import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, openEngine } from '../engine/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { ensureDefaultGroup, groupExists } from '../groups/index.ts';
import {
  deleteSessionJournal,
  findByExactName,
  findContainer,
  removeUnusedNetwork,
  startWorkloadRun,
  urlOf,
} from '../host/index.ts';
import { aborted, type Logger, tryLock } from '../platform/index.ts';
import {
  baseNameOf,
  type PermissionProfile,
  parseNewWorkloadName,
  parseWorkloadName,
  type RunConfig,
  sanitizeWorkloadName,
  type WorkloadName,
} from '../records/index.ts';
import { checkProfile, readPermissionProfile } from '../sandbox/index.ts';
import { identifySource, type Source } from '../sources/index.ts';
import { buildRunConfig } from './build-run-config.ts';
import { checkGroup } from './check-group.ts';
import { checkSecrets } from './check-secrets.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { fillEnvironment } from './fill-environment.ts';
import { admitRunConfig, readRunConfigFile, withFreePorts } from './import.ts';
import { ensureImage, imageOf } from './obtain-image.ts';
import { planRun } from './plan-run.ts';
import { spawnSupervisor } from './supervisor.ts';
import { checkToolsOverride, readToolsOverride } from './tools-override.ts';
import type {
  ImportRequest,
  OperationOptions,
  RunInteraction,
  RunOutcome,
  RunRequest,
  RunResult,
} from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** A workload that may be saved and started. */
interface Prepared {
  readonly engine: Engine;
  readonly name: WorkloadName;
  readonly config: RunConfig;
  /** Of the name, until the workload is stored. */
  readonly reservation: Disposable;
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
  try {
    await checkRunnable(context, prepared, options);
    return prepared;
  } catch (error) {
    prepared.reservation[Symbol.dispose]();
    throw error;
  }
}

async function checkRunnable(
  context: Context,
  { engine, config }: Pick<Prepared, 'engine' | 'config'>,
  options: RunOptions,
): Promise<void> {
  await within('failed to validate workload parameters', () => checkSecrets(context, config, options));
  await ensureImage(context, engine, config, options);
  options.signal?.throwIfAborted();
}

async function prepareNew(context: Context, request: RunRequest, options: RunOptions): Promise<Prepared> {
  const { signal } = options;
  const { logger } = context;
  const engine = await context.engine(signal);
  const source = await findSource(context, request, signal);
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? source.defaultName, logger),
  );
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, request.group);
  const config = await documentOf(context, engine, request, { ...options, name, source, ownPort: undefined });
  stack.move(); // the caller's from here on
  return { engine, name, config, reservation };
}

/**
 * Two that want one name at once: the first keeps it until its workload is stored, the other is told that it is taken
 * (spec 10 §11.4). A crash frees it.
 */
function reserveName(context: Context, name: WorkloadName): Disposable {
  const folder = join(context.paths.data, 'statuses');
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const held = tryLock(join(folder, `${name}.create.lock`));
  if (held === undefined) throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  return held;
}

/**
 * What a workload becomes with other settings: everything that can be wrong with them is found here (spec 10 §11.6).
 * An image that stays is not looked up again, whatever it was made from.
 */
export async function prepareEdit(
  context: Context,
  present: RunConfig,
  request: RunRequest,
  options: RunOptions,
): Promise<RunConfig> {
  requireGroup(context, request.group);
  const engine = await context.engine(options.signal);
  const name = parseWorkloadName(baseNameOf(present));
  const source: Source =
    request.source === present.image
      ? { kind: 'image', image: present.image, defaultName: name }
      : await findSource(context, request, options.signal);
  const ownPort = present.port;
  const config = await documentOf(context, engine, request, { ...options, name, source, ownPort });
  await checkRunnable(context, { engine, config }, options);
  return config;
}

function requireGroup(context: Context, group: string): void {
  if (group !== '' && !groupExists(context.paths.state, group))
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group });
}

function findSource(context: Context, { source }: RunRequest, signal?: AbortSignal): Promise<Source> {
  const registry = () => context.registry();
  return within(finding(source), () => identifySource(source, { registry, signal }));
}

function finding(source: string): string {
  return `failed to find or create the MCP server ${source}`;
}

interface DocumentFacts extends RunOptions {
  readonly name: WorkloadName;
  readonly source: Source;
  readonly ownPort: number | undefined;
}

async function documentOf(
  context: Context,
  engine: Engine,
  request: RunRequest,
  { name, source, ownPort, ...options }: DocumentFacts,
): Promise<RunConfig> {
  const { signal, ask } = options;
  const { logger } = context;
  const image = await within(finding(request.source), () =>
    imageOf(context, engine, source, request, options),
  );
  const toolsOverride = {
    ...(await readToolsOverride(request.toolsOverrideFile)),
    ...(await within('failed to validate run config', () => checkToolsOverride(request.toolsOverride ?? {}))),
  };
  const plan = await within('failed to validate run config', async () =>
    planRun(source, {
      given: { ...request, toolsOverride, permissions: await permissionsOf(request) },
      stateless: request.stateless,
      fallbackTransport: request.fallbackTransport,
      registrySource: async () => (await context.registry()).source(),
    }),
  );
  return await buildRunConfig(request, {
    name,
    image,
    ownPort,
    plan,
    toolsOverride,
    fill: (provided) => fillEnvironment(context, plan.variables, provided, { ask, signal }),
    reservedPorts: await portsOfOthers(context, name),
    logger,
  });
}

async function permissionsOf({
  permissions,
  permissionProfile,
}: RunRequest): Promise<PermissionProfile | undefined> {
  if (permissions !== undefined) checkProfile(permissions, 'of the request');
  if (permissionProfile === undefined) return permissions;
  return await readPermissionProfile(permissionProfile);
}

/** `--from-config` (spec 01 §4.8): as strict as any other run about what is in the file. */
async function prepareDocument(
  context: Context,
  { configFile, debug }: ImportRequest,
  { signal }: RunOptions,
): Promise<Prepared> {
  const { paths, logger } = context;
  const document = await readRunConfigFile(configFile);
  const importing = `failed to import ${configFile}`;
  const { name, config } = await within(importing, () =>
    admitRunConfig(debug ? { ...document, debug } : document, { paths, logger }),
  );
  const engine = await context.engine(signal);
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, config.group ?? '');
  const reservedPorts = await portsOfOthers(context, name);
  const runnable = await within(importing, () => withFreePorts(config, reservedPorts));
  stack.move(); // the caller's from here on
  return { engine, name, config: runnable, reservation };
}

/** Detached: the supervisor takes over, and this returns without waiting for readiness (spec 01 §4.7). */
export async function runWorkload(
  context: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<RunResult> {
  const { engine, name, config, reservation } = await prepare(context, request, options);
  using _ = reservation;
  using __ = await context.exclusively(name, options.signal);
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
  return { name, url: urlOf(config), port: config.port };
}

/**
 * In this process until `signal` aborts or it fails for good. Then the workload is deleted, unless it came from a file
 * (spec 02 §6.4): that one is stopped.
 */
export async function runWorkloadForeground(
  context: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions & { readonly onReady: (outcome: RunOutcome) => void },
): Promise<void> {
  const { engine, name, config, reservation } = await prepare(context, request, options);
  using _ = reservation;
  const serving = {
    signal: options.signal,
    onReady: (url: string) => options.onReady({ name, url }),
  };
  if ('configFile' in request) {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    const { serveUntilStopped } = await import('./lifecycle.ts');
    await serveUntilStopped(context, name, serving);
    return;
  }
  try {
    await save(context, name, config);
    reservation[Symbol.dispose]();
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
async function discard(context: Context, engine: Engine, name: WorkloadName): Promise<void> {
  const { logger } = context;
  await context.desired.remove(name);
  await bestEffort(logger, 'failed to remove container', async () => {
    const container = await findContainer(engine, name);
    if (container !== undefined) await engine.containers.remove(container.Id, { force: true });
  });
  await removeUnusedNetwork(engine, logger);
  deleteSessionJournal(context.paths.state, name);
  await leaveClients(context, name, await context.runConfigs.find(name).catch(() => undefined));
  await bestEffort(logger, 'failed to delete run configuration', () => context.runConfigs.delete(name));
  await bestEffort(logger, 'failed to delete status', () => context.statuses.delete(name));
}

/** Any workload of that name blocks it, except one that failed (spec 02 §6.1). */
async function refuseTakenName(
  context: Context,
  engine: Engine,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  const record = await context.statuses.find(name);
  if (record?.status === 'error') return;
  if (record !== undefined || (await findContainer(engine, name, signal)) !== undefined) {
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  }
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
