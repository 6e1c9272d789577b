import type { Invocation, Suggestion } from '../cli/index.ts';
import {
  CLIENT_IDS,
  type ClientSettings,
  createClientSettings,
  discontinuationOf,
} from '../clients/index.ts';

type Needed = Pick<Invocation, 'env' | 'findPaths' | 'openLog'>;

export async function openClientSettings({ env, findPaths, openLog }: Needed): Promise<ClientSettings> {
  return createClientSettings({ env, paths: await findPaths(), logger: await openLog() });
}

/** Warns whoever still uses a client that its makers have given up (spec 09 §6.1). */
export function warnOfDiscontinued(ids: readonly string[], { err }: Invocation['terminal']): void {
  for (const id of ids) {
    const advice = discontinuationOf(id);
    if (advice !== undefined) err(`Warning: ${advice}\n`);
  }
}

/** The clients in help texts, one a line. */
export function describeClients(): string {
  const width = Math.max(...CLIENT_IDS.map(([id]) => id.length));
  return CLIENT_IDS.map(([id, name]) => `  - ${id.padEnd(width)}   ${name}`).join('\n');
}

export async function completeClient({
  words,
}: {
  readonly words: readonly string[];
}): Promise<readonly Suggestion[]> {
  return words.length > 0 ? [] : CLIENT_IDS.map(([value, description]) => ({ value, description }));
}
