import type { RegistryContent } from './content.ts';
import type { RegistryEntry } from './entry.ts';

export interface LoadOptions {
  /** Ask the source again even when what is kept would do; of use for API registries only. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** One way to the entries (spec 08 §1); keeps what it has read as its kind allows. */
export interface Provider {
  load(options: LoadOptions): Promise<RegistryContent>;
  /** Asks the source for an entry that the list does not have. */
  findLive?(name: string, options: LoadOptions): Promise<RegistryEntry | undefined>;
}
