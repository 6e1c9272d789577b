import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import { findByExactName, findContainer } from '../host/index.ts';
import { type Logger, tryLock } from '../platform/index.ts';
import {
  baseNameOf,
  isContainer,
  isProcess,
  isRemote,
  type PermissionProfile,
  parseNewWorkloadName,
  parseWorkloadName,
  type RunConfig,
  sanitizeWorkloadName,
  type WorkloadName,
} from '../records/index.ts';
import { checkProfile, readPermissionProfile } from '../sandbox/index.ts';
import { identifySource, type Source } from '../sources/index.ts';
import { findUsageEndpoint } from '../usage/index.ts';
import { ANY_OWN, requireApplicable, type Target } from './applicable-flags.ts';
import { buildRunConfig } from './build-run-config.ts';
import { checkGroup } from './check-group.ts';
import { checkSecrets } from './check-secrets.ts';
import type { Context } from './context.ts';
import { fillEnvironment } from './fill-environment.ts';
import { admitRunConfig, readRunConfigFile, withFreePorts } from './import.ts';
import { imageOf, resolveImage } from './obtain-image.ts';
import { planRun } from './plan-run.ts';
import { buildRemoteConfig } from './remote-document.ts';
import { type OwnSource, partSource, type RemoteSource } from './remote-source.ts';
import { ensureProcess, openRuntime, type ProcessSettings, withRuntime } from './runtime.ts';
import { checkToolsOverride, readToolsOverride } from './tools-override.ts';
import type { ImportRequest, OperationOptions, RunInteraction, RunRequest } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** A workload that may be saved and started. */
interface Prepared {
  readonly context: Context;
  /** Absent for a process. */
  readonly engine: Engine | undefined;
  readonly name: WorkloadName;
  readonly config: RunConfig;
  /** Of the name, until the workload is stored. */
  readonly reservation: Disposable;
}

/** Everything up to the saved workload (spec 01 §4.4): nothing is left behind when any step fails or is cancelled. */
export async function prepareRun(
  context: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<Prepared> {
  const prepared =
    'configFile' in request
      ? await prepareDocument(context, request, options)
      : await prepareNew(context, request, options);
  try {
    return { ...prepared, config: await makeRunnable(prepared.context, prepared, options) };
  } catch (error) {
    prepared.reservation[Symbol.dispose]();
    throw error;
  }
}

/** Checks the secrets and resolves the image; gives the document with the image that its name means now. */
export async function makeRunnable(
  context: Context,
  { engine, config }: Pick<Prepared, 'engine' | 'config'>,
  options: RunOptions,
): Promise<RunConfig> {
  await within('failed to validate workload parameters', () => checkSecrets(context, config, options));
  const resolved =
    engine === undefined ? {} : { resolved_image: await resolveImage(context, engine, config, options) };
  options.signal?.throwIfAborted();
  return { ...config, ...resolved };
}

async function prepareNew(outer: Context, given: RunRequest, options: RunOptions): Promise<Prepared> {
  const { signal } = options;
  const context = withRuntime(outer, given.runtime);
  const { logger } = context;
  const source = await findSource(context, given, signal);
  const parted = partSource(source);
  requireApplicable(given, 'own' in parted ? ANY_OWN : [remoteTarget(parted.remote)]);
  // Whoever has no engine may still use servers of others (spec 06 §19-1).
  const { engine } = 'own' in parted ? await openRuntime(context, given, options) : {};
  const target = 'own' in parted ? ownTarget(parted.own, engine, given.source) : remoteTarget(parted.remote);
  requireApplicable(given, [target]);
  const request = target === 'uvx process' ? await withRequirements(context, given) : given;
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? source.defaultName, logger),
  );
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, request.group);
  const process = {
    image: packageOf(request, source),
    no_sandbox: request.noSandbox,
    allow_install_scripts: request.allowInstallScripts,
    js_runtime: request.jsRuntime === 'auto' ? undefined : request.jsRuntime,
    runtime_config: request.runtimeOverride,
  };
  const facts = { ...options, name, source: parted, process, ownPort: undefined };
  const config = await documentOf(context, engine, request, facts);
  stack.move(); // the caller's from here on
  return { context, engine, name, config, reservation };
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
  given: RunRequest,
  options: RunOptions,
): Promise<RunConfig> {
  const request = isProcess(present) ? withProcessSettings(given, present) : given;
  requireGroup(context, request.group);
  const name = parseWorkloadName(baseNameOf(present));
  const found: Source =
    request.source === present.image && !isRemote(present)
      ? { kind: 'image', image: present.image, defaultName: name }
      : await findSource(context, request, options.signal);
  const source = partSource(found);
  const needsEngine = 'own' in source && !isProcess(present);
  const engine = needsEngine ? await context.engine(options.signal) : undefined;
  const target =
    'own' in source ? ownTarget(source.own, engine, request.source) : remoteTarget(source.remote);
  requireApplicable(request, [target], present);
  const process = {
    ...present,
    image: packageOf(request, found),
    js_runtime: request.jsRuntime === 'auto' ? undefined : request.jsRuntime,
    runtime_config: request.runtimeOverride,
  };
  const facts = { ...options, name, source, process, ownPort: present.port };
  const config = await documentOf(context, engine, request, facts);
  return await makeRunnable(context, { engine, config }, options);
}

function requireGroup(context: Context, group: string): void {
  if (group !== '' && !groupExists(context.paths.state, group))
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group });
}

async function findSource(context: Context, { source }: RunRequest, signal?: AbortSignal): Promise<Source> {
  const registry = () => context.registry();
  const identify = () => identifySource(source, { registry, signal });
  // What is wrong with a URL is told first and plainly (spec 01 §4.4, step 1), and not with what else stands in it.
  return /^https?:/i.test(source) ? await identify() : await within(finding(source), identify);
}

function finding(source: string): string {
  return `failed to find or create the MCP server ${source}`;
}

interface DocumentFacts extends RunOptions {
  readonly name: WorkloadName;
  readonly source: ReturnType<typeof partSource>;
  /** Where it runs as a process. */
  readonly process: ProcessSettings;
  readonly ownPort: number | undefined;
}

async function documentOf(
  context: Context,
  engine: Engine | undefined,
  request: RunRequest,
  { name, source, process, ownPort, ...options }: DocumentFacts,
): Promise<RunConfig> {
  const { signal, ask } = options;
  const { logger } = context;
  const toolsOverride = {
    ...(await readToolsOverride(request.toolsOverrideFile)),
    ...(await within('failed to validate run config', () => checkToolsOverride(request.toolsOverride ?? {}))),
  };
  const reservedPorts = await portsOfOthers(context, name);
  const countsToolCalls = (await findUsageEndpoint(context)) !== undefined;
  if ('remote' in source) {
    const { remote } = source;
    return await buildRemoteConfig(context, request, {
      name,
      remote,
      ownPort,
      toolsOverride,
      countsToolCalls,
      reservedPorts,
      ask,
      signal,
    });
  }
  const { own } = source;
  const plan = await within('failed to validate run config', async () =>
    planRun(own, {
      given: { ...request, toolsOverride, permissions: await permissionsOf(request) },
      stateless: request.stateless,
      fallbackTransport: request.fallbackTransport,
      registrySource: async () => (await context.registry()).source(),
    }),
  );
  return await buildRunConfig(request, {
    name,
    image: (permission_profile) =>
      within(finding(request.source), () =>
        engine === undefined
          ? ensureProcess(context, { ...process, permission_profile }, options)
          : imageOf(context, engine, own, request, options),
      ),
    runtime: engine === undefined ? 'process' : 'container',
    ownPort,
    plan,
    toolsOverride,
    countsToolCalls,
    fill: (provided) => fillEnvironment(context, plan.variables, provided, { ask, signal }),
    reservedPorts,
    logger,
  });
}

function remoteTarget({ entry }: RemoteSource): Target {
  return entry === undefined ? 'remote server' : 'remote entry';
}

function ownTarget(own: OwnSource, engine: Engine | undefined, source: string): Target {
  if (engine !== undefined) return own.kind === 'package' || own.kind === 'folder' ? 'built image' : 'image';
  const [, scheme] = /^(npx|uvx|go):/.exec(source) ?? [];
  if (scheme !== undefined) return `${scheme as 'npx' | 'uvx' | 'go'} process`;
  // What an edit leaves as it is is not looked at again.
  return own.kind === 'folder' && own.project.kind !== 'node' ? 'folder process' : 'node folder process';
}

/** Those that `config.yaml` names, where the request names none; checked like those of an image (spec 03 §13.6). */
async function withRequirements(context: Context, request: RunRequest): Promise<RunRequest> {
  const { resolveRuntimeSettings } = await import('../build/index.ts');
  const file = (await (await context.config()).read()).runtime_configs?.['uvx'];
  const { buildWith } = resolveRuntimeSettings('uvx', {
    flags: request.runtimeOverride,
    ...(file?.build_with ? { file: { build_with: file.build_with } } : {}),
  });
  return buildWith.length === 0 ? request : { ...request, runtimeOverride: { build_with: [...buildWith] } };
}

/** What a request to the API has no member for stays. */
function withProcessSettings(request: RunRequest, present: RunConfig): RunRequest {
  return {
    ...request,
    noSandbox: present.no_sandbox === true,
    allowInstallScripts: present.allow_install_scripts === true,
    jsRuntime: request.jsRuntime ?? present.js_runtime,
  };
}

/** What a process is made from: a folder by its whole path, for others will look for it. */
function packageOf(request: RunRequest, source: Source): string {
  return source.kind === 'folder' ? source.project.folder : request.source;
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
  options: RunOptions,
): Promise<Prepared> {
  const { signal } = options;
  const { paths, logger } = context;
  const document = await readRunConfigFile(configFile);
  const importing = `failed to import ${configFile}`;
  const { name, config } = await within(importing, () =>
    admitRunConfig(debug ? { ...document, debug } : document, { paths, logger }),
  );
  const engine = isContainer(config) ? await context.engine(signal) : undefined;
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, engine, name, signal);
  await checkGroup(context, name, config.group ?? '');
  if (isProcess(config)) await ensureProcess(context, config, options);
  const reservedPorts = await portsOfOthers(context, name);
  const runnable = await within(importing, () => withFreePorts(config, reservedPorts));
  stack.move(); // the caller's from here on
  return { context, engine, name, config: runnable, reservation };
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
