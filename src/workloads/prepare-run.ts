import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { during, ThvError, within } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import { type Logger, tryLock } from '../platform/index.ts';
import {
  baseNameOf,
  type PermissionProfile,
  parseNewWorkloadName,
  parseWorkloadName,
  type RunConfig,
  sanitizeWorkloadName,
  type WorkloadName,
} from '../records/index.ts';
import type { Order, Runtime } from '../runtimes/index.ts';
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
import { planRun } from './plan-run.ts';
import { prepareServer } from './prepare-server.ts';
import { buildRemoteConfig } from './remote-document.ts';
import { type OwnSource, partSource, type RemoteSource } from './remote-source.ts';
import { openRuntime, withRuntime } from './runtime.ts';
import { checkToolsOverride, readToolsOverride } from './tools-override.ts';
import type { ImportRequest, OperationOptions, RunInteraction, RunRequest } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** A workload that may be saved and started. */
interface Prepared {
  readonly context: Context;
  readonly name: WorkloadName;
  readonly config: RunConfig;
  /** What the server is made from is here already. */
  readonly isReady: boolean;
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
    await checkRunnable(prepared.context, prepared.config, { ...options, isReady: prepared.isReady });
    return prepared;
  } catch (error) {
    prepared.reservation[Symbol.dispose]();
    throw error;
  }
}

/** Secrets and server are there. */
export async function checkRunnable(
  context: Context,
  config: RunConfig,
  { isReady = false, ...options }: RunOptions & { readonly isReady?: boolean },
): Promise<void> {
  await within('failed to validate workload parameters', () => checkSecrets(context, config, options));
  if (!isReady) await prepareServer(context, config, options);
  options.signal?.throwIfAborted();
}

async function prepareNew(outer: Context, given: RunRequest, options: RunOptions): Promise<Prepared> {
  const { signal } = options;
  const context = withRuntime(outer, given.runtime);
  const { logger } = context;
  const source = await findSource(context, given, signal);
  const parted = partSource(source);
  requireApplicable(given, 'own' in parted ? ANY_OWN : [remoteTarget(parted.remote)]);
  // Whoever has no engine may still use servers of others (spec 06 §19-1).
  const runtime =
    'own' in parted ? await openRuntime(context, given, options) : context.runtimes.byKind.remote;
  const target = 'own' in parted ? ownTarget(parted.own, runtime, given.source) : remoteTarget(parted.remote);
  requireApplicable(given, [target]);
  const request = target === 'uvx process' ? await withRequirements(context, given) : given;
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? source.defaultName, logger),
  );
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, runtime, name, signal);
  await checkGroup(context, name, request.group);
  const settings = {
    no_sandbox: request.noSandbox,
    allow_install_scripts: request.allowInstallScripts,
    js_runtime: request.jsRuntime === 'auto' ? undefined : request.jsRuntime,
    runtime_config: request.runtimeOverride,
  };
  const packageName = packageOf(request, source);
  const facts = { ...options, name, source: parted, packageName, settings, ownPort: undefined };
  const document = await documentOf(context, runtime, request, facts);
  stack.move(); // the caller's from here on
  return { context, name, ...document, reservation };
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
  const { runtimes } = context;
  const kept = runtimes.of(present);
  const request = kept.runs === 'packages' ? withProcessSettings(given, present) : given;
  requireGroup(context, request.group);
  const name = parseWorkloadName(baseNameOf(present));
  const found: Source =
    request.source === present.image && kept.runs !== 'nothing'
      ? { kind: 'image', image: present.image, defaultName: name }
      : await findSource(context, request, options.signal);
  const source = partSource(found);
  const own = kept.runs === 'nothing' ? runtimes.byKind.container : kept;
  const runtime = 'own' in source ? own : runtimes.byKind.remote;
  await runtime.open(options);
  const target =
    'own' in source ? ownTarget(source.own, runtime, request.source) : remoteTarget(source.remote);
  requireApplicable(request, [target], present);
  const settings = {
    ...present,
    js_runtime: request.jsRuntime === 'auto' ? undefined : request.jsRuntime,
    runtime_config: request.runtimeOverride,
  };
  const packageName = packageOf(request, found);
  const facts = { ...options, name, source, packageName, settings, ownPort: present.port };
  const { config, isReady } = await documentOf(context, runtime, request, facts);
  await checkRunnable(context, config, { ...options, isReady });
  return config;
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
  readonly packageName: string;
  readonly settings: Order['settings'];
  readonly ownPort: number | undefined;
}

async function documentOf(
  context: Context,
  runtime: Runtime,
  request: RunRequest,
  { name, source, packageName, settings, ownPort, ...options }: DocumentFacts,
): Promise<Pick<Prepared, 'config' | 'isReady'>> {
  const { signal, ask } = options;
  const { logger } = context;
  const toolsOverride = {
    ...(await readToolsOverride(request.toolsOverrideFile)),
    ...(await during('STEP_RUN_CONFIG', () => checkToolsOverride(request.toolsOverride ?? {}))),
  };
  const reservedPorts = await portsOfOthers(context, name);
  const countsToolCalls = (await findUsageEndpoint(context)) !== undefined;
  if ('remote' in source) {
    const { remote } = source;
    const config = await buildRemoteConfig(context, request, {
      name,
      remote,
      ownPort,
      toolsOverride,
      countsToolCalls,
      reservedPorts,
      ask,
      signal,
    });
    return { config, isReady: true };
  }
  const { own } = source;
  const plan = await during('STEP_RUN_CONFIG', async () =>
    planRun(own, {
      given: { ...request, toolsOverride, permissions: await permissionsOf(request) },
      stateless: request.stateless,
      fallbackTransport: request.fallbackTransport,
      registrySource: async () => (await context.registry()).source(),
    }),
  );
  let isReady = false;
  const config = await buildRunConfig(request, {
    name,
    image: (permission_profile) =>
      within(finding(request.source), async () => {
        const obtained = await runtime.obtain(
          {
            source: own.kind === 'entry' ? { kind: 'image', image: own.entry.image } : own,
            packageName,
            caCertificate: request.caCertificate,
            settings: { ...settings, permission_profile },
          },
          options,
        );
        isReady = obtained.isReady;
        return obtained.image;
      }),
    runtime: runtime.runs === 'packages' ? 'process' : 'container',
    ownPort,
    plan,
    toolsOverride,
    countsToolCalls,
    fill: (provided) => fillEnvironment(context, plan.variables, provided, { ask, signal }),
    reservedPorts,
    logger,
  });
  return { config, isReady };
}

function remoteTarget({ entry }: RemoteSource): Target {
  return entry === undefined ? 'remote server' : 'remote entry';
}

function ownTarget(own: OwnSource, runtime: Runtime, source: string): Target {
  if (runtime.runs === 'images')
    return own.kind === 'package' || own.kind === 'folder' ? 'built image' : 'image';
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
  const document = await readRunConfigFile(configFile);
  const importing = `failed to import ${configFile}`;
  const { name, config } = await within(importing, () =>
    admitRunConfig(debug ? { ...document, debug } : document, context),
  );
  const runtime = context.runtimes.of(config);
  await runtime.open({ signal });
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, runtime, name, signal);
  await checkGroup(context, name, config.group ?? '');
  const reservedPorts = await portsOfOthers(context, name);
  const runnable = await within(importing, () => withFreePorts(config, reservedPorts));
  stack.move(); // the caller's from here on
  return { context, name, config: runnable, isReady: false, reservation };
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
  runtime: Runtime,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  const record = await context.statuses.find(name);
  if (record?.status === 'error') return;
  if (record !== undefined || (await runtime.find(name, { signal })) !== undefined) {
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  }
  await runtime.requireFreeName(name, { signal });
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
