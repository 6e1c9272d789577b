import { ThvError } from '../errors/index.ts';
import { isUpstream } from './detect-format.ts';
import type { RegistryEntry } from './entry.ts';
import { fromLegacy } from './legacy-format.ts';
import { toUpstream } from './to-upstream.ts';

const MAX_DESCRIPTION = 100;

export interface Conversion {
  /** Indented JSON without a newline at its end. */
  readonly text: string;
  /** What had to be changed to fit, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * A legacy registry in the upstream format (spec 08 §6.2); `undefined` when it is in that format already. Throws
 * `ERR_REGISTRY_INVALID` for what cannot be read, and for a result that offends against the published schemas.
 */
export async function convertRegistry(input: string): Promise<Conversion | undefined> {
  const document = parse(input);
  if (isUpstream(document)) return undefined;
  const legacy = understood(() => fromLegacy(document));
  const warnings: string[] = [];
  const entries = legacy.entries.map((entry) => withShortDescription(entry, warnings));
  const converted = toUpstream({ ...legacy, entries });
  const { schemaProblems } = await import('./upstream-schema.ts');
  const problems = schemaProblems(converted);
  if (problems.length > 0) {
    throw invalid(`converted output does not match the upstream registry schema: ${problems.join('; ')}`);
  }
  return { text: JSON.stringify(converted, undefined, 2), warnings };
}

/** The upstream format allows 100 characters; the whole text goes to the overview if there is none (spec 08 §9.13). */
function withShortDescription(entry: RegistryEntry, warnings: string[]): RegistryEntry {
  const characters = [...entry.description];
  if (characters.length <= MAX_DESCRIPTION) return entry;
  const kept = entry.overview === '' ? ', its full text is kept in the overview' : '';
  warnings.push(`description of ${entry.name} shortened to ${MAX_DESCRIPTION} characters${kept}`);
  return {
    ...entry,
    description: `${characters.slice(0, MAX_DESCRIPTION - 3).join('')}...`,
    overview: entry.overview || entry.description,
  };
}

function parse(input: string): unknown {
  return understood(() => {
    if (input.trim() === '') throw new Error('the input is empty');
    return JSON.parse(input);
  });
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw invalid(`failed to parse legacy registry data: ${(error as Error).message}`, error);
  }
}

function invalid(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_REGISTRY_INVALID', { reason }, { cause });
}
