import { hasCode, ThvError } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { ContainerEntry } from '../registry/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions, Progress } from './types.ts';
import { verificationOf } from './verification.ts';

/**
 * Makes sure that what the document names is there to be started; gives the document with what its name means now. A mistyped name of an image is told what it may have meant (spec
 * 08 §9.19).
 */
export async function prepareServer(
  context: Context,
  config: RunConfig,
  options: OperationOptions & { readonly progress: Progress; readonly entry?: ContainerEntry | undefined },
): Promise<RunConfig> {
  const { image } = config;
  const { entry, signal } = options;
  const verification = await verificationOf(context, config, { entry, signal });
  try {
    return await context.runtimes.of(config).prepare(config, { ...options, verification });
  } catch (error) {
    const isUnavailable = hasCode(error, 'ERR_IMAGE_NOT_FOUND') || hasCode(error, 'ERR_IMAGE_PULL');
    if (!isUnavailable || /[/.:]/.test(image)) throw error;
    const close = await closeNames(context, image, options);
    const advice =
      close.length === 0 ? `'thv search ${image}' looks for servers` : `close to it: ${close.join(', ')}`;
    throw new ThvError(error.code, error.facts, {
      cause: error,
      context: error.context,
      hint: `no server of the registry has this name; ${advice}`,
    });
  }
}

/** Names close to a misspelt one; empty when the registry cannot be asked. They improve a message that is right without them. */
async function closeNames(
  context: Context,
  name: string,
  options: OperationOptions,
): Promise<readonly string[]> {
  try {
    return await (await context.registry()).closeNames(name, options);
  } catch {
    return [];
  }
}
