import type { Invocation, Suggestion } from '../cli/index.ts';
import {
  CLIENT_IDS,
  type ClientSettings,
  createClientSettings,
  discontinuationOf,
  type Registered,
} from '../clients/index.ts';
import { asksForTokens } from '../records/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';

type Needed = Pick<Invocation, 'env' | 'findPaths' | 'openLog'>;

export async function openClientSettings({ env, findPaths, openLog }: Needed): Promise<ClientSettings> {
  return createClientSettings({ env, paths: await findPaths(), logger: await openLog() });
}

/** Warns users of a client that its makers have given up (spec 09 §6.1). */
export function warnOfDiscontinued(ids: readonly string[], { err }: Invocation['terminal']): void {
  for (const id of ids) {
    const advice = discontinuationOf(id);
    if (advice !== undefined) err(`Warning: ${advice}\n`);
  }
}

/** What happened besides what was asked for: files made, and workloads that a client cannot connect to. */
export function tellRegistered(outcomes: readonly Registered[], { err }: Invocation['terminal']): void {
  for (const { id, path, created, skipped } of outcomes) {
    if (created) err(`${id} had no settings file; it was created at ${path}\n`);
    for (const name of skipped)
      err(`${id} cannot connect over SSE, which is all that '${name}' serves; it was not written\n`);
  }
}

/** Names workloads of the groups that a client cannot use by its entry alone: it has to bring a token. */
export async function tellOfTokens(
  manager: Pick<WorkloadManager, 'names' | 'config'>,
  groups: readonly string[],
  { err }: Invocation['terminal'],
): Promise<void> {
  const guarded: string[] = [];
  for (const name of await manager.names()) {
    // A document that cannot be read is served by nobody, and told of elsewhere.
    const config = await manager.config(name).catch(() => undefined);
    const isAsking = config?.require_token === true || asksForTokens(config?.oidc_config);
    if (isAsking && groups.includes(config?.group ?? '')) guarded.push(`'${name}'`);
  }
  if (guarded.length === 0) return;
  const ask = guarded.length === 1 ? 'asks' : 'ask';
  err(
    `${guarded.join(', ')} ${ask} for tokens, and none is written: clients log in, or get an 'Authorization' header from you ('thv token create')\n`,
  );
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
