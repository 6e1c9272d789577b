import { type Engine, isLatest, parseImageReference } from '../../engine/index.ts';
import { ThvError, toThvError, within } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { Preparing } from '../runtime.ts';

interface RetrieveOptions extends Preparing {
  readonly logger: Logger;
  /** Whose choice the image is; default `user`. */
  readonly owner?: 'user' | 'program';
}

/** Pull rule of spec 03 §12.1: `latest` is pulled when it can be, anything else only when it is missing. */
export async function retrieveImage(
  engine: Engine,
  image: string,
  { signal, progress, logger, owner = 'user' }: RetrieveOptions,
): Promise<void> {
  await within('failed to retrieve or pull image', async () => {
    const reference = await within('failed to check if image exists locally', () =>
      parseImageReference(image),
    );
    const isLocal = (await engine.images.find(image, { signal })) !== undefined;
    if (isLocal && !isLatest(reference)) return;
    logger.info('pulling image', { image });
    const shortName = image.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]*$/, '$1');
    try {
      await engine.images.pull(image, {
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
      if (signal?.aborted)
        throw new ThvError('ERR_CANCELLED', { reason: 'image pull was canceled' }, { cause: error });
      if (!isLocal) throw error;
      logger.warn('failed to pull image, using the local copy', { image, error: toThvError(error) });
    }
  });
}
