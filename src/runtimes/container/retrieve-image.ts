import {
  type Engine,
  type ImageDetails,
  type ImageReference,
  imageName,
  isLatest,
  parseImageReference,
} from '../../engine/index.ts';
import { ThvError, toThvError, within } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { ResolvedImage } from '../../records/index.ts';
import type { Preparing } from '../runtime.ts';

interface RetrieveOptions extends Preparing {
  readonly logger: Logger;
  /** Who asked for the image; default `user`. */
  readonly owner?: 'user' | 'program';
  /** The package or folder that it was built from, if it was built here. */
  readonly builtFrom?: string | undefined;
}

/**
 * The image that a name means now. Pull rule of spec 03 §12.1: `latest` is pulled when it can be, anything else only when it is
 * missing, and what was built here never.
 */
export async function retrieveImage(
  engine: Engine,
  image: string,
  options: RetrieveOptions,
): Promise<ResolvedImage> {
  const { signal, logger, builtFrom } = options;
  return await within('failed to retrieve or pull image', async () => {
    const reference = await within('failed to check if image exists locally', () =>
      parseImageReference(image),
    );
    const local = await engine.images.find(image, { signal });
    const isSettled = builtFrom !== undefined || !isLatest(reference);
    if (local !== undefined && isSettled) return resolvedFrom(local);
    try {
      await pull(engine, image, image, options);
    } catch (error) {
      if (signal?.aborted || local === undefined) throw error;
      logger.warn('failed to pull image, using the local copy', { image, error: toThvError(error) });
      return resolvedFrom(local);
    }
    const pulled = await engine.images.find(image, { signal });
    if (pulled === undefined) throw new ThvError('ERR_IMAGE_NOT_FOUND', { image });
    return resolvedFrom(pulled);

    function resolvedFrom(details: ImageDetails): ResolvedImage {
      return {
        reference: image,
        digest: idOf(details),
        provenance: provenanceOf(reference, details, builtFrom),
      };
    }
  });
}

/**
 * The image of one manifest, whatever its name means by now; pulled when the engine does not have it. It gets the name, so that
 * people find it in the engine's lists.
 */
export async function retrieveManifest(
  engine: Engine,
  image: string,
  manifest: string,
  options: RetrieveOptions,
): Promise<ResolvedImage> {
  const { signal } = options;
  return await within('failed to retrieve or pull image', async () => {
    const reference = parseImageReference(image);
    const exact = `${imageName(reference)}@${manifest}`;
    let details = await engine.images.find(exact, { signal });
    if (details === undefined) {
      await pull(engine, exact, image, options);
      details = await engine.images.find(exact, { signal });
    }
    if (details === undefined) throw new ThvError('ERR_IMAGE_NOT_FOUND', { image: exact });
    if (reference.digest === undefined) await engine.images.tag(exact, image, { signal });
    return { reference: image, digest: idOf(details), provenance: { from: 'registry', manifest } };
  });
}

async function pull(
  engine: Engine,
  exact: string,
  image: string,
  { signal, progress, logger, owner = 'user' }: RetrieveOptions,
): Promise<void> {
  logger.info('pulling image', { image });
  const shortName = image.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]*$/, '$1');
  try {
    await engine.images.pull(exact, {
      signal,
      owner,
      onProgress: ({ status, layer, currentBytes, totalBytes }) => {
        const share =
          currentBytes === undefined || !totalBytes
            ? ''
            : ` ${Math.floor((100 * currentBytes) / totalBytes)}%`;
        progress.update(`Pulling ${shortName}: ${layer === undefined ? '' : `${layer} `}${status}${share}`);
      },
    });
    progress.update('');
    progress.line(`Successfully pulled ${image}`);
  } catch (error) {
    progress.update('');
    if (!signal?.aborted) throw error;
    throw new ThvError('ERR_CANCELLED', { reason: 'image pull was canceled' }, { cause: error });
  }
}

function idOf({ Id }: ImageDetails): string {
  return `sha256:${Id.replace(/^sha256:/, '')}`;
}

/**
 * Only the caller knows that an image was built here; labels of the image could claim anything. Podman also keeps digests for images
 * that no registry ever had, under `localhost/` unless they were given another name.
 */
function provenanceOf(
  reference: ImageReference,
  details: ImageDetails,
  builtFrom: string | undefined,
): ResolvedImage['provenance'] {
  if (builtFrom !== undefined) return { from: 'build', source: builtFrom };
  const manifest = manifestOf(reference, details);
  return manifest === undefined ? { from: 'engine' } : { from: 'registry', manifest };
}

/** What the registry of its name knows an image by; `undefined` where it does not come from there. */
export function manifestOf(reference: ImageReference, { RepoDigests }: ImageDetails): string | undefined {
  if (reference.registry === 'localhost') return undefined;
  const digests = (RepoDigests ?? []).flatMap((text) => {
    const [name = '', digest] = text.split('@');
    return digest !== undefined && isNameOf(reference, name) ? [digest] : [];
  });
  return digests.find((digest) => digest === reference.digest) ?? digests[0];
}

function isNameOf(reference: ImageReference, text: string): boolean {
  try {
    return imageName(parseImageReference(text)) === imageName(reference);
  } catch {
    return false; // `<none>`
  }
}
