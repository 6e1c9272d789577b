import type { Engine } from '../engine/index.ts';
import { within } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import { checkSecrets } from './check-secrets.ts';
import type { Context } from './context.ts';
import { ensureImage } from './obtain-image.ts';
import type { OperationOptions, RunInteraction } from './types.ts';

/** Makes sure that the secrets of a document and its image are there; without an engine there is no image. */
export async function checkRunnable(
  context: Context,
  { engine, config }: { readonly engine: Engine | undefined; readonly config: RunConfig },
  options: OperationOptions & RunInteraction,
): Promise<void> {
  await within('failed to validate workload parameters', () => checkSecrets(context, config, options));
  if (engine !== undefined) await ensureImage(context, engine, config, options);
  options.signal?.throwIfAborted();
}
