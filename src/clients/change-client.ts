import type { Ledger, LedgerStore } from './ledger.ts';
import { type Change, changeSettings, readEntries, type SettingsFile } from './settings-file.ts';
import type { Server } from './types.ts';

/** What a change came to. */
interface Changed {
  /** The settings file was not there. */
  readonly created: boolean;
  /** Names of servers that were not written because the client cannot connect to what they serve. */
  readonly skipped: readonly string[];
}

/**
 * Changes a client's settings. What the client cannot connect to is not written, and goes where an earlier version wrote it;
 * entries that are in a file which the client no longer has first come along. Throws as `changeSettings`.
 */
export async function changeClient(
  file: SettingsFile,
  { add, remove, removeWrittenExcept }: Change,
  ledgers: LedgerStore,
): Promise<Changed> {
  const moved = await leaveOtherFiles(file, ledgers);
  const written = add.filter(({ endpoint }) => file.client.speaks.includes(endpoint));
  const left = add.filter((server) => !written.includes(server));
  const named = new Set([...add, ...remove].map(({ name }) => name));
  const stays = ({ name }: Server) => !named.has(name) && (removeWrittenExcept?.has(name) ?? true);
  const { created } = await changeSettings(
    file,
    {
      add: [...moved.filter(stays), ...written],
      remove: [...remove, ...left],
      ...(removeWrittenExcept === undefined ? {} : { removeWrittenExcept }),
    },
    ledgers,
  );
  return { created, skipped: left.map(({ name }) => name) };
}

/** A client with several files may read another one by now; gives the entries that left the former one. */
async function leaveOtherFiles(
  { client, places, path }: SettingsFile,
  ledgers: LedgerStore,
): Promise<readonly Server[]> {
  for (const other of client.otherFiles?.(places) ?? []) {
    if (other === path) continue;
    const { servers } = await ledgers.read(client.id, other);
    if (Object.keys(servers).length === 0) continue;
    const file = { client, places, path: other };
    const entries = await readEntries(file);
    await changeSettings(file, { add: [], remove: [], removeWrittenExcept: new Set() }, ledgers);
    return serversIn(servers).filter(({ name, url }) =>
      client.urlKeys.some((key) => entries.get(name)?.[key] === url),
    );
  }
  return [];
}

function serversIn(servers: Ledger['servers']): readonly Server[] {
  return Object.entries(servers).map(([name, url]) => ({
    name,
    url,
    endpoint: /\/sse(?:#|$)/.test(url) ? 'sse' : 'streamable-http',
  }));
}
