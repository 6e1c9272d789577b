import { createHash, type Hash } from 'node:crypto';
import { type ContextEntry, unreadable } from './context-tar.ts';

/** Changed when the same inputs must be rebuilt by this version of the program. */
const RECIPE_VERSION = 1;

/**
 * What goes into an image as one word of 64 hex digits (B16). Throws `ERR_BUILD_INPUT_INVALID`. `facts` hold no secret: a login decides whether a package can be
 * had, not what is in it, and this word stands in a label.
 */
export async function imageKey(
  facts: Readonly<Record<string, unknown>>,
  project: AsyncIterable<ContextEntry> | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([RECIPE_VERSION, facts]));
  if (project !== undefined) {
    for await (const entry of project) await addEntry(hash, entry);
  }
  return hash.digest('hex');
}

async function addEntry(hash: Hash, entry: ContextEntry): Promise<void> {
  const { source: _, ...facts } = { source: '', ...entry };
  hash.update(`\n${JSON.stringify(facts)}\n`);
  if (entry.kind !== 'file') return;
  try {
    for await (const bytes of Bun.file(entry.source).stream()) hash.update(bytes);
  } catch (error) {
    throw unreadable(entry.path, error);
  }
}
