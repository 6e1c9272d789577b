import { hasCode } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { ContainerEntry } from '../registry/index.ts';
import type { Provenance, Verification } from '../signatures/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions } from './types.ts';

interface VerificationFacts extends OperationOptions {
  /** Where the image comes from, if that was found already. */
  readonly entry?: ContainerEntry | undefined;
}

/**
 * What is asked of the image of a document (spec 03 §12.4). A registry that cannot be asked for the provenance is an error only where
 * the image has to be verified.
 */
export async function verificationOf(
  context: Context,
  config: RunConfig,
  facts: VerificationFacts,
): Promise<Verification> {
  const { image_verification: mode = 'warn' } = config;
  if (mode === 'disabled') return { mode, keys: {} };
  const keys = (await (await context.config()).read()).image_keys ?? {};
  return { mode, keys, provenance: await provenanceOf(context, config, facts) };
}

async function provenanceOf(
  context: Context,
  { image, image_verification: mode, registry_server_name: name }: RunConfig,
  { entry, signal }: VerificationFacts,
): Promise<Provenance | undefined> {
  if (entry !== undefined) return entry.provenance;
  if (name === undefined || name === '') return undefined;
  try {
    const found = await (await context.registry()).find(name, { signal });
    return found.kind === 'container' && found.image === image ? found.provenance : undefined;
  } catch (error) {
    if (mode === 'enabled' && !hasCode(error, 'ERR_SERVER_NOT_FOUND')) throw error;
    context.logger.debug('provenance of the image not found', { image, server: name, error });
    return undefined;
  }
}
