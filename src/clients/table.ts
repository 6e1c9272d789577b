import { ThvError } from '../errors/index.ts';
import { similarNames } from '../platform/index.ts';
import { claudeDesktop } from './claude-desktop.ts';
import { geminiCli, qwenCode } from './gemini-cli.ts';
import { goose } from './goose.ts';
import { ROWS, type Row } from './rows.ts';
import type { Client, Endpoint, Entry, Server } from './types.ts';

/** All clients, sorted by id. */
export const CLIENTS: readonly Client[] = [
  claudeDesktop,
  geminiCli,
  goose,
  qwenCode,
  ...Object.entries(ROWS).map(([id, row]) => clientOf(id, row)),
].sort((one, other) => (one.id < other.id ? -1 : 1));

/** Ids and names of all clients, as help shows them. */
export const CLIENT_IDS: readonly (readonly [id: string, name: string])[] = CLIENTS.map(
  ({ id, displayName, discontinued }) => [
    id,
    discontinued === undefined ? displayName : `${displayName} (deprecated)`,
  ],
);

/** Throws `ERR_CLIENT_INVALID` naming all valid ones. */
export function getClient(id: string): Client {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  if (client === undefined) {
    const valid = CLIENTS.map((known) => known.id);
    const meant = similarNames(id, valid);
    throw new ThvError(
      'ERR_CLIENT_INVALID',
      { client: id, valid },
      meant.length === 0 ? {} : { hint: `did you mean ${meant.join(' or ')}?` },
    );
  }
  return client;
}

/** Advice for users of a client that its makers have given up. */
export function discontinuationOf(id: string): string | undefined {
  return CLIENTS.find((client) => client.id === id)?.discontinued;
}

function clientOf(id: string, row: Row): Client {
  const { url = 'url', named = false } = row;
  return {
    id,
    displayName: row.name,
    settingsFile: row.file,
    format: row.format ?? 'json',
    section: row.section ?? 'mcpServers',
    speaks: row.speaksSse === false ? ['streamable-http'] : ['streamable-http', 'sse'],
    // In the order of spec 09 §6.3.
    entry: ({ name, url: value, endpoint }: Server): Entry => ({
      ...(named ? { name } : {}),
      [url]: value,
      ...typeOf(row, endpoint),
    }),
    urlKeys: [url],
    installedWhen: row.installedWhen ?? 'folder',
    supportsSkills: row.skills ?? true,
    supportsPlugins: row.plugins ?? false,
    ...(row.otherFiles === undefined ? {} : { otherFiles: row.otherFiles }),
    ...(row.emptyFile === undefined ? {} : { emptyFile: row.emptyFile }),
    ...(row.discontinued === undefined ? {} : { discontinued: row.discontinued }),
  };
}

function typeOf({ type }: Row, endpoint: Endpoint): Entry {
  const word = endpoint === 'sse' ? type?.sse : type?.http;
  return type === undefined || word === undefined ? {} : { [type.key]: word };
}
