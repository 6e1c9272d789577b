import { join } from 'node:path';
import type { Engine } from '../engine/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { packageSettings } from '../host/index.ts';
import { selfCommand } from '../platform/index.ts';
import { connectionOf, type RunConfig } from '../records/index.ts';
import { isFolderPath } from '../sources/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions, Progress, RunRequest } from './types.ts';

/** What `--runtime`, `TOOLHIVE_RUNTIME` and a request to the API may ask for (spec 03 §1.1). */
export const RUNTIMES = ['auto', 'docker', 'podman', 'process'] as const;

/** What is said of another one. */
export function unknownRuntime(text: string): string {
  return `runtime "${text}" not found. Available runtimes: ${RUNTIMES.join(', ')}`;
}

/** What a workload is going to run on. */
export type Runtime =
  | { readonly kind: 'container'; readonly engine: Engine }
  /** A process of this machine. */
  | { readonly kind: 'process'; readonly engine?: undefined };

/** Said when nobody asked for a process. */
const WEAKER =
  'no container engine answers: the package runs as a process, confined to what its permission profile grants, but on the kernel of this machine and, where the profile allows all of the network and nothing gives it one of its own, beside its own services';

const PACKAGE = /^(?:npx|uvx|go):\/\//;

type RuntimeFlags = Pick<RunRequest, 'source' | 'runtime' | 'networkMode'>;

/** The context of a run whose `--runtime` beats the environment's, for all that is asked about engines from here on. */
export function withRuntime(context: Context, runtime: RunRequest['runtime']): Context {
  if (runtime === undefined) return context;
  return context.reopen({ ...context.env, TOOLHIVE_RUNTIME: runtime });
}

/**
 * A container if an engine answers; else, for a package or a local folder, a process, unless an engine was asked for (decision 08).
 * Throws `ERR_ENGINE_UNAVAILABLE`, and `ERR_INPUT_INVALID` for what cannot be run as it was asked for.
 */
export async function openRuntime(
  context: Context,
  flags: RuntimeFlags,
  { signal }: OperationOptions,
): Promise<Runtime> {
  const wanted = context.env['TOOLHIVE_RUNTIME']?.trim() ?? '';
  const canBeProcess = PACKAGE.test(flags.source) || isFolderPath(flags.source);
  if (wanted === 'process' && !canBeProcess) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      {
        reason: `${flags.source} cannot be run as a process: it is no npx://, uvx:// or go:// package, and no local folder`,
      },
      { hint: 'give a package or the path of a folder, or use --runtime auto' },
    );
  }
  const runtime = wanted === 'process' ? { kind: 'process' as const } : await engineOrElse();
  if (runtime.kind === 'process') requireProcessNetwork(flags.networkMode);
  return runtime;

  async function engineOrElse(): Promise<Runtime> {
    try {
      return { kind: 'container', engine: await context.engine(signal) };
    } catch (error) {
      const isAutomatic = wanted === '' || wanted === 'auto';
      if (!isAutomatic || !canBeProcess || !hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
      context.logger.warn(WEAKER);
      return { kind: 'process' };
    }
  }
}

/** Networks of an engine mean nothing to a process. Throws `ERR_INPUT_INVALID`. */
export function requireProcessNetwork(mode: string): void {
  if (connectionOf(mode) !== 'named') return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `a process cannot be connected to network "${mode}": only none and host apply to processes`,
  });
}

export type ProcessSettings = Pick<
  RunConfig,
  'image' | 'no_sandbox' | 'allow_install_scripts' | 'js_runtime' | 'runtime_config'
> &
  Partial<Pick<RunConfig, 'permission_profile' | 'isolate_network'>>;

/**
 * Makes sure that a package can be run as a process here: that there is a sandbox, and the package itself. Gives its reference with
 * the version that was found, or the path of a folder.
 */
export async function ensureProcess(
  context: Context,
  settings: ProcessSettings,
  { progress, signal = new AbortController().signal }: OperationOptions & { readonly progress: Progress },
): Promise<string> {
  const { image, no_sandbox, allow_install_scripts } = settings;
  const { env, paths, logger } = context;
  const { findSandbox, installPackage, noSandbox, requirePackage } = await import('../processes/index.ts');
  const request = requirePackage(image);
  const self = selfCommand();
  if (no_sandbox) {
    logger.warn('NOT CONFINED: the server gets all rights of the user who starts it (--no-sandbox)', {
      package: image,
    });
  }
  const sandbox = no_sandbox
    ? noSandbox(self)
    : await findSandbox({ env, self, cacheFolder: paths.cache, logger, signal });
  let isNew = false;
  const installed = await installPackage(request, {
    folder: join(paths.data, 'packages'),
    cacheFolder: paths.cache,
    env,
    self,
    sandbox,
    allowScripts: allow_install_scripts === true,
    ...(await packageSettings(settings, context)),
    progress(line) {
      isNew = true;
      progress.update(line);
    },
    logger,
    signal,
  });
  installed.use?.[Symbol.dispose]();
  progress.update('');
  if (isNew) progress.line(`Successfully installed ${installed.reference}`);
  if (isNew && installed.heldBack?.length)
    logger.warn(
      'install scripts were not run; a server that needs them is run with --allow-install-scripts',
      {
        packages: installed.heldBack.join(', '),
      },
    );
  return installed.reference;
}
