import { hasCode, ThvError } from '../errors/index.ts';
import { connectionOf } from '../records/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import { isFolderPath } from '../sources/index.ts';
import type { Context } from './context.ts';
import type { RuntimeChoice, ServerSettings } from './run-request.ts';
import type { OperationOptions } from './types.ts';

/** Warning for a user who did not ask for a process and gets one. */
const WEAKER =
  'no container engine answers: the package runs as a process, confined to what its permission profile grants, but on the kernel of this machine and, where the profile allows all of the network and nothing gives it one of its own, beside its own services';

const PACKAGE = /^(?:npx|uvx|go):\/\//;

type RuntimeSettings = Pick<ServerSettings, 'runtime' | 'networkMode'> & {
  /** What is to be run, as it was typed. */
  readonly source: string;
};

/** The context of a run whose `--runtime` beats the environment's, for all that is asked about engines from here on. */
export function withRuntime(context: Context, runtime: RuntimeChoice | undefined): Context {
  if (runtime === undefined) return context;
  return context.reopen({ ...context.env, TOOLHIVE_RUNTIME: runtime });
}

/**
 * A container if an engine answers. Otherwise packages and local folders run as processes, unless the user asked for an engine
 * (decision 08).
 * Throws `ERR_ENGINE_UNAVAILABLE`, and `ERR_INPUT_INVALID` for what cannot be run as it was asked for.
 */
export async function openRuntime(
  context: Context,
  settings: RuntimeSettings,
  { signal }: OperationOptions,
): Promise<Runtime> {
  const wanted = settings.runtime ?? context.usualRuntime;
  const canBeProcess = PACKAGE.test(settings.source) || isFolderPath(settings.source);
  if (wanted === 'process' && !canBeProcess) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      {
        reason: `${settings.source} cannot be run as a process: it is no npx://, uvx:// or go:// package, and no local folder`,
      },
      { hint: 'give a package or the path of a folder, or use --runtime auto' },
    );
  }
  const { container, process } = context.runtimes.byKind;
  const runtime = wanted === 'process' ? process : await engineOrElse();
  if (runtime === process) requireProcessNetwork(settings.networkMode);
  return runtime;

  async function engineOrElse(): Promise<Runtime> {
    try {
      await container.open({ signal });
      return container;
    } catch (error) {
      const isAutomatic = wanted === '' || wanted === 'auto';
      if (!isAutomatic || !canBeProcess || !hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
      context.logger.warn(WEAKER);
      return process;
    }
  }
}

/** Where a server that is run here is: in a container, or a process of this machine. */
export function placeOf({ runs }: Runtime): 'container' | 'process' {
  return runs === 'packages' ? 'process' : 'container';
}

/** Networks of an engine mean nothing to a process. Throws `ERR_INPUT_INVALID`. */
export function requireProcessNetwork(mode: string): void {
  if (connectionOf(mode) !== 'named') return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `a process cannot be connected to network "${mode}": only none and host apply to processes`,
  });
}
