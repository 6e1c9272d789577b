import { join } from 'node:path';
import { type Engine, isLatest, parseImageReference } from '../../engine/index.ts';
import { within } from '../../errors/index.ts';
import { type Verification, type Verified, verifyImage } from '../../signatures/index.ts';
import type { RuntimeServices, Waiting } from '../runtime.ts';
import { manifestOf } from './retrieve-image.ts';

interface BeforePull extends Waiting {
  readonly verification: Verification;
  /** The package or folder that it was built from, if it was built here. */
  readonly builtFrom: string | undefined;
}

/**
 * Verifies what would run: the local image where that would be used, else what the registry has under the name. `undefined` where it
 * may run unverified. Throws `ERR_IMAGE_UNVERIFIED`.
 */
export async function verifyBeforePull(
  { paths, env, logger }: RuntimeServices,
  engine: Engine,
  image: string,
  { verification, builtFrom, signal }: BeforePull,
): Promise<Verified | undefined> {
  const reference = await within('failed to retrieve or pull image', () =>
    within('failed to check if image exists locally', async () => parseImageReference(image)),
  );
  const local = isLatest(reference) ? undefined : await engine.images.find(image, { signal });
  // An image that was built here is in no registry, and keys and provenance are about those that are.
  const asked = builtFrom === undefined ? verification : { mode: verification.mode, keys: {} };
  return await verifyImage(asked, {
    image,
    reference,
    manifest: local === undefined ? undefined : manifestOf(reference, local),
    access: () => engine.images.registryAccess(image, { signal }),
    folder: join(paths.state, 'sigstore'),
    env,
    logger,
    signal,
  });
}
