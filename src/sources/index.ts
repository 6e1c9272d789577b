import { parseImageReference } from '../engine/index.ts';
import { nameFromImage } from '../records/index.ts';

/** What the first positional argument of `thv run` turned out to be (spec 01 §4.1). */
export interface ResolvedSource {
  readonly image: string;
  readonly defaultName: string;
}

/**
 * From the word a person typed to what is to be run. Image references are the last way in the order of spec 01 §4.1: what
 * is nothing else is an image. Throws `ERR_IMAGE_REFERENCE_INVALID`.
 */
export function resolveSource(text: string): ResolvedSource {
  parseImageReference(text);
  return { image: text, defaultName: nameFromImage(text) };
}
