import { hasCode, ThvError } from '../errors/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import { isFolderPath } from '../sources/index.ts';
import type { Context } from './context.ts';
import type { RuntimeChoice, ServerSettings } from './run-request.ts';
import type { OperationOptions } from './types.ts';

const PACKAGE = /^(?:npx|uvx|go):\/\//;

type RuntimeSettings = Pick<ServerSettings, 'runtime' | 'networkMode'> & {
  /** What is to be run, as it was typed. */
  readonly source: string;
};

/** The context of a run whose `--runtime` beats the environment's, for all that is asked about engines from here on. */
export function withRuntime(context: Context, runtime: RuntimeChoice | undefined): Context {
  return runtime === undefined ? context : context.withRuntime(runtime);
}

/**
 * The runtime that was asked for, else the first that can run the source and answers: a container where there is an engine, otherwise
 * a process (decision 08).
 * Throws `ERR_ENGINE_UNAVAILABLE`, and `ERR_INPUT_INVALID` for what cannot be run as it was asked for.
 */
export async function openRuntime(
  context: Context,
  settings: RuntimeSettings,
  { signal }: OperationOptions,
): Promise<Runtime> {
  const wanted = settings.runtime ?? context.usualRuntime;
  const runtime = await firstThatOpens(context, candidatesFor(context, wanted, settings.source), signal);
  runtime.requireConnection(settings.networkMode);
  return runtime;
}

function candidatesFor({ runtimes }: Context, wanted: string, source: string): readonly Runtime[] {
  const kind = PACKAGE.test(source) || isFolderPath(source) ? 'package' : 'image';
  if (wanted === '' || wanted === 'auto') return runtimes.able(kind);
  // A word for none of them is refused where the environment is read for an engine.
  const named = runtimes.named(wanted) ?? runtimes.usual;
  if (named.takes.includes(kind)) return [named];
  throw new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `${source} cannot be run as a ${named.kind}: it is no npx://, uvx:// or go:// package, and no local folder`,
    },
    { hint: 'give a package or the path of a folder, or use --runtime auto' },
  );
}

/** Where none answers, the error is that of the preferred one. */
async function firstThatOpens(
  { logger }: Context,
  candidates: readonly Runtime[],
  signal: AbortSignal | undefined,
): Promise<Runtime> {
  let missing: unknown;
  for (const runtime of candidates) {
    try {
      await runtime.open({ signal });
    } catch (error) {
      if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
      missing ??= error;
      continue;
    }
    if (missing !== undefined && runtime.caution !== undefined) logger.warn(runtime.caution);
    return runtime;
  }
  throw missing;
}

/** Whether its servers are confined as a container is, or as a process of this machine. */
export function placeOf({ runs }: Pick<Runtime, 'runs'>): 'container' | 'process' {
  return runs === 'packages' ? 'process' : 'container';
}
