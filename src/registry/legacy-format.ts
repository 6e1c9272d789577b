import * as v from 'valibot';
import { byName, type RegistryContent } from './content.ts';
import { isRecord } from './detect-format.ts';
import { ContainerEntrySchema, entryToJson, RemoteEntrySchema } from './entry.ts';

const Entries = <const Schema extends v.GenericSchema>(schema: Schema) =>
  v.nullish(v.record(v.string(), schema), () => ({}));

const Document = v.object({
  version: v.nullish(v.string(), ''),
  last_updated: v.nullish(v.string(), ''),
  servers: Entries(ContainerEntrySchema),
  remote_servers: Entries(RemoteEntrySchema),
});

/**
 * A document of the legacy format (spec 08 §2); names are the keys, groups are dropped. Throws a plain `Error` naming what is
 * wrong: unlike an upstream list, a broken entry makes the whole document unusable, so that `convert` loses nothing.
 */
export function fromLegacy(document: unknown): RegistryContent {
  if (!isRecord(document)) throw new Error('not a JSON object');
  const result = v.safeParse(Document, document);
  if (!result.success) {
    throw new Error(
      result.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`).join('; '),
    );
  }
  const { version, last_updated, servers, remote_servers } = result.output;
  return {
    version,
    lastUpdated: last_updated,
    entries: [
      ...Object.entries(servers).map(([name, entry]) => ({ ...entry, kind: 'container' as const, name })),
      ...Object.entries(remote_servers).map(([name, entry]) => ({ ...entry, kind: 'remote' as const, name })),
    ],
    skipped: [],
    extras: 0,
  };
}

/** The legacy layout, entries by name; what the API shows and the disk cache holds. */
export function toLegacy({ version, lastUpdated, entries }: RegistryContent) {
  const sorted = entries.toSorted(byName);
  const of = (kind: 'container' | 'remote') =>
    Object.fromEntries(
      sorted.filter((entry) => entry.kind === kind).map((entry) => [entry.name, entryToJson(entry)]),
    );
  const remotes = of('remote');
  return {
    version,
    last_updated: lastUpdated,
    servers: of('container'),
    ...(Object.keys(remotes).length === 0 ? {} : { remote_servers: remotes }),
  };
}
