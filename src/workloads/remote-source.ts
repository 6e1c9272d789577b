import type { RegistryEntry, RemoteEntry } from '../registry/index.ts';
import type { Source } from '../sources/index.ts';

/** A server of somebody else's: nothing is run for it but its proxy. */
export interface RemoteSource {
  readonly url: string;
  /** Absent for a URL that was typed. */
  readonly entry?: RemoteEntry;
}

/** What has to be run here. */
export type OwnSource =
  | Exclude<Source, { readonly kind: 'remote' | 'entry' }>
  | {
      readonly kind: 'entry';
      readonly entry: Exclude<RegistryEntry, RemoteEntry>;
      readonly defaultName: string;
    };

/** Parts what is run here from what is only reached from here. */
export function partSource(source: Source): { readonly remote: RemoteSource } | { readonly own: OwnSource } {
  if (source.kind === 'remote') return { remote: { url: source.url } };
  if (source.kind !== 'entry') return { own: source };
  const { entry } = source;
  return entry.kind === 'remote' ? { remote: { url: entry.url, entry } } : { own: { ...source, entry } };
}
