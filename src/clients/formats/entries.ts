import type { Entry } from '../types.ts';
import { isSame } from './is-same.ts';
import type { SettingsFormat } from './types.ts';

type Values = Readonly<Record<string, unknown>>;

/** The servers of a section by name, in the file's order; what is no server is left out. */
export function entriesOf(values: Values, section: string): ReadonlyMap<string, Entry> {
  const servers = values[section];
  const named: readonly (readonly [unknown, unknown])[] = Array.isArray(servers)
    ? servers.map((server) => [isRecord(server) ? server['name'] : undefined, server])
    : Object.entries(isRecord(servers) ? servers : {});
  return new Map(
    named.flatMap(([name, entry]) => (typeof name === 'string' && isRecord(entry) ? [[name, entry]] : [])),
  );
}

/**
 * Whether `after` is `before` with this one entry set (or gone, when `entry` is undefined) and nothing else changed. Edits
 * of text are checked with it before they are written: an unforeseen layout must not cost users their settings.
 */
export function isOnlyChange(
  format: SettingsFormat,
  section: string,
  { before, after }: { readonly before: string; readonly after: string },
  { name, entry }: { readonly name: string; readonly entry: Entry | undefined },
): boolean {
  const [old, fresh] = [format.values(before), format.values(after)];
  return (
    isSame(without(old, section), without(fresh, section)) &&
    isSame(entriesOf(fresh, section).get(name), entry) &&
    isSame(othersOf(old[section], fresh[section], name), othersOf(fresh[section], fresh[section], name))
  );
}

function without(values: Values, key: string): readonly unknown[] {
  return Object.entries(values).filter(([candidate]) => candidate !== key);
}

/** Entries of a section besides `name`; none when the section has another type than `like` and is therefore replaced. */
function othersOf(section: unknown, like: unknown, name: string): readonly unknown[] {
  if (Array.isArray(section) && (Array.isArray(like) || !isRecord(like)))
    return section.filter((server) => !isRecord(server) || server['name'] !== name);
  if (isRecord(section) && !Array.isArray(like))
    return Object.entries(section).filter(([candidate]) => candidate !== name);
  return [];
}

function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
