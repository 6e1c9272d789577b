import type { RegistryEntry } from './entry.ts';

/** An entry that could not be used, and why. */
export interface SkippedEntry {
  readonly name: string;
  readonly reason: string;
}

/** All that a registry holds; entries are unique by kind and name. */
export interface RegistryContent {
  readonly version: string;
  /** RFC 3339, '' when the source does not say. */
  readonly lastUpdated: string;
  readonly entries: readonly RegistryEntry[];
  readonly skipped: readonly SkippedEntry[];
  /** How many skills and plugins stand beside the servers. */
  readonly extras: number;
}

/** A later entry replaces an earlier one of its name; a container and a remote of one name stay both (spec 08 §3.2-7). */
export function uniqueEntries(entries: readonly RegistryEntry[]): readonly RegistryEntry[] {
  const unique = new Map<string, RegistryEntry>();
  for (const entry of entries) unique.set(`${entry.kind} ${entry.name}`, entry);
  return [...unique.values()];
}

/** By name, containers before remotes of the same name: the order of everything that is shown (spec 08 §9.1). */
export function byName(one: RegistryEntry, other: RegistryEntry): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1;
  return one.kind === other.kind ? 0 : one.kind === 'container' ? -1 : 1;
}
