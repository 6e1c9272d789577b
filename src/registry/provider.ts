import type { RegistryContent } from './content.ts';
import type { RegistryEntry } from './entry.ts';

/** One way to the entries (spec 08 §1); keeps what it has read as its kind allows. */
export interface Provider {
  /** With `refresh` the source is asked again even when what is kept would do; of use for API registries only. */
  load(refresh: boolean): Promise<RegistryContent>;
  /** Asks the source for an entry that the list does not have. */
  findLive?(name: string, signal: AbortSignal | undefined): Promise<RegistryEntry | undefined>;
}
