import { ThvError } from '../errors/index.ts';
import { similarNames } from '../platform/index.ts';
import { byName } from './content.ts';
import type { RegistryEntry } from './entry.ts';

/**
 * The entry a name stands for: its full name (containers first), or for a name without slash the last part of exactly one
 * (spec 08 §4.1). Case-sensitive. `undefined` when there is none; throws `ERR_SERVER_AMBIGUOUS`.
 */
export function findEntry(entries: readonly RegistryEntry[], name: string): RegistryEntry | undefined {
  const exact = entries.filter((entry) => entry.name === name).sort(byName);
  if (exact[0] !== undefined || name.includes('/')) return exact[0];
  const matches = entries.filter((entry) => entry.name.endsWith(`/${name}`)).sort(byName);
  const names = [...new Set(matches.map((entry) => entry.name))];
  if (names.length > 1) throw new ThvError('ERR_SERVER_AMBIGUOUS', { server: name, matches: names });
  return matches[0];
}

/**
 * Entries whose name, description or any tag holds the query, whatever its case; sorted by name (spec 08 §4.2). The publisher
 * in front of the slash counts only for a query that looks like one: else `github` would find all of `io.github.…`.
 */
export function searchEntries(entries: readonly RegistryEntry[], query: string): readonly RegistryEntry[] {
  const wanted = query.toLowerCase();
  const holds = (text: string) => text.toLowerCase().includes(wanted);
  const nameOf = /[./]/.test(wanted)
    ? ({ name }: RegistryEntry) => name
    : ({ name }: RegistryEntry) => name.slice(name.lastIndexOf('/') + 1);
  return entries
    .filter((entry) => holds(nameOf(entry)) || holds(entry.description) || entry.tags.some(holds))
    .sort(byName);
}

/** More names than this are a list, which there is a command for. */
const MOST_CLOSE_NAMES = 5;

/** Names a person may have meant, as short as they can be typed (spec 08 §9.19). */
export function closeEntryNames(entries: readonly RegistryEntry[], typed: string): readonly string[] {
  if (typed === '') return [];
  const names = [...new Set(entries.map(({ name }) => name))];
  const shortNames = names.map((name) => name.slice(name.lastIndexOf('/') + 1));
  const isUnique = (short: string) => shortNames.filter((other) => other === short).length === 1;
  return [
    ...new Set([
      ...similarNames(typed, [...new Set(shortNames)]).flatMap((short) =>
        isUnique(short) ? [short] : names.filter((name) => name.endsWith(`/${short}`)).sort(),
      ),
      ...(typed.includes('/') ? similarNames(typed, names) : []),
    ]),
  ].slice(0, MOST_CLOSE_NAMES);
}
