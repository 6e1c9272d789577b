import type { Engine } from '../engine/index.ts';
import { builtAt, FLOATING_LIFETIME_MS, KEY_LABEL, PINNED_LABEL, SOURCE_LABEL } from './image-labels.ts';

/**
 * Removes an image that was built here and that no build would use again (spec 03 §15-B16): of a version that is not pinned and
 * over an hour old, or with a younger one of the same source beside it. An image that something uses makes the engine throw
 * `ERR_ENGINE_REQUEST`; one that was not built here, or was given a name by the user, stays.
 */
export async function removeStaleImage(
  engine: Pick<Engine, 'images'>,
  image: string,
  { signal, now = Date.now }: { readonly signal?: AbortSignal | undefined; readonly now?: () => number } = {},
): Promise<void> {
  if (!image.startsWith('toolhivelocal/')) return;
  const found = await engine.images.find(image, { signal });
  const labels = found?.Config?.Labels;
  const source = labels?.[SOURCE_LABEL];
  if (labels?.[KEY_LABEL] === undefined || source === undefined) return;
  const time = builtAt(labels).getTime();
  const isOld = labels[PINNED_LABEL] !== 'true' && now() - time > FLOATING_LIFETIME_MS;
  if (isOld || (await hasYounger())) await engine.images.remove(image, { signal });

  async function hasYounger(): Promise<boolean> {
    const others = await engine.images.list({ label: `${SOURCE_LABEL}=${source}` }, { signal });
    return others.some(({ Labels }) => builtAt(Labels).getTime() > time);
  }
}
