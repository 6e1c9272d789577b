import { messageOf, ThvError } from '../errors/index.ts';
import { withoutByteOrderMark } from '../platform/index.ts';
import type { RegistryContent } from './content.ts';
import { isUpstream, looksLegacy } from './detect-format.ts';
import { fromUpstream } from './from-upstream.ts';

interface ParseOptions {
  /** What the error names: a path or URL; '' when it is not known. */
  readonly source: string;
  /** Refuse a document that looks legacy even when it is upstream as well (validation paths, spec 08 §3.3). */
  readonly strict?: boolean;
}

/**
 * The text of a registry file in the upstream format. Throws `ERR_REGISTRY_LEGACY_FORMAT` or `ERR_REGISTRY_INVALID`.
 */
export function parseRegistry(text: string, { source, strict = false }: ParseOptions): RegistryContent {
  const prefix = source === '' ? '' : `registry at ${source}: `;
  let document: unknown;
  try {
    document = JSON.parse(withoutByteOrderMark(text));
  } catch (error) {
    throw invalid(`${prefix}failed to parse registry data: ${messageOf(error)}`, error);
  }
  if (looksLegacy(document) && (strict || !isUpstream(document))) {
    throw new ThvError('ERR_REGISTRY_LEGACY_FORMAT', { source });
  }
  if (!isUpstream(document)) {
    throw invalid(`${prefix}not in the upstream registry format: no object named "data"`);
  }
  try {
    return fromUpstream(document);
  } catch (error) {
    throw invalid(`${prefix}${messageOf(error)}`, error);
  }
}

export function isEmptyRegistry({ entries, skipped, extras }: RegistryContent): boolean {
  return entries.length + skipped.length + extras === 0;
}

function invalid(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_REGISTRY_INVALID', { reason }, { cause });
}
