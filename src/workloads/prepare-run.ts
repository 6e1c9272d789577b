import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ThvError, within } from '../errors/index.ts';
import { type Logger, tryLock } from '../platform/index.ts';
import { parseNewWorkloadName, sanitizeWorkloadName, type WorkloadName } from '../records/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import { requireApplicable } from './applicable-flags.ts';
import { checkAuthorization } from './authorization.ts';
import { checkCallers, checkCallersOf } from './check-callers.ts';
import { checkGroup } from './check-group.ts';
import type { Context } from './context.ts';
import { admitRunConfig, readRunConfigFile, withFreePorts } from './import.ts';
import { makeRunnable } from './make-runnable.ts';
import { portsOfOthers } from './resolve-proxy.ts';
import { documentOf, type Made } from './run-document.ts';
import type { RunRequest, ServerSettings } from './run-request.ts';
import { openRuntime, placeOf, withRuntime } from './runtime.ts';
import { askedOf, findSubject, type OwnSubject, targetOf } from './subject.ts';
import type { ImportRequest, OperationOptions, RunInteraction } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** A workload that may be saved and started. */
interface Prepared extends Made {
  readonly context: Context;
  readonly name: WorkloadName;
  /** Reserves the name until the workload is stored. */
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

async function prepareNew(outer: Context, request: RunRequest, options: RunOptions): Promise<Prepared> {
  const { target } = request;
  await checkCallers(outer, request.proxy.callers);
  const context = withRuntime(outer, target.kind === 'word' ? target.server.runtime : undefined);
  const found = await findSubject(context, request, options);
  // Remote servers can be used without a container engine (spec 06 §19-1).
  const { runtime, subject } =
    found.kind === 'own'
      ? await openFor(context, request, found, options)
      : { runtime: context.runtimes.remote, subject: found };
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? subject.defaultName, context.logger),
  );
  using stack = new DisposableStack();
  const reservation = stack.use(reserveName(context, name));
  await refuseTakenName(context, runtime, name, options.signal);
  await checkGroup(context, name, request.group);
  const made = await documentOf(context, runtime, request, { ...options, name, subject });
  stack.move(); // the caller's from here on
  return { context, name, ...made, reservation };
}

/** What runs it, and whether the settings apply to that. */
async function openFor(
  context: Context,
  request: RunRequest,
  subject: OwnSubject,
  options: RunOptions,
): Promise<{ readonly runtime: Runtime; readonly subject: OwnSubject }> {
  const { word: source, settings } = subject;
  const runtime = await openRuntime(context, { ...settings, source }, options);
  const target = targetOf(subject, placeOf(runtime));
  requireApplicable(askedOf(request, settings), [target]);
  const isUvx = target === 'uvx process';
  return {
    runtime,
    subject: isUvx ? { ...subject, settings: await withRequirements(context, settings) } : subject,
  };
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

/** Takes the requirements of `config.yaml` where the request names none; they are checked like those of an image (spec 03 §13.6). */
async function withRequirements(context: Context, settings: ServerSettings): Promise<ServerSettings> {
  const { resolveRuntimeSettings } = await import('../build/index.ts');
  const file = (await (await context.config()).read()).runtime_configs?.['uvx'];
  const { buildWith } = resolveRuntimeSettings('uvx', {
    flags: settings.runtimeOverride,
    ...(file?.build_with ? { file: { build_with: file.build_with } } : {}),
  });
  return buildWith.length === 0 ? settings : { ...settings, runtimeOverride: { build_with: [...buildWith] } };
}

/** `--from-config` (spec 01 §4.8): as strict as any other run about what is in the file. */
async function prepareDocument(
  context: Context,
  { configFile, debug }: ImportRequest,
  options: RunOptions,
): Promise<Prepared> {
  const { signal } = options;
  // What somebody else's document says of its image was found, and verified, on another machine.
  const { resolved_image: _, ...document } = await readRunConfigFile(configFile);
  const importing = `failed to import ${configFile}`;
  const { name, config: admitted } = await within(importing, () =>
    admitRunConfig(debug ? { ...document, debug } : document, context),
  );
  await within(importing, () => checkAuthorization(admitted));
  const config = await within(importing, () => checkCallersOf(context, admitted));
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
