import { type ConfigStore, createConfigStore } from '../config/index.ts';
import { ThvError } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type { RegistryContent } from './content.ts';
import type { RegistryEntry } from './entry.ts';
import { closeEntryNames, findEntry, searchEntries } from './lookup.ts';
import type { LoadOptions, Provider } from './provider.ts';
import { type RegistrySource, sourceOf } from './source.ts';

export interface RegistryOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Of this program, for the `User-Agent` of requests. */
  readonly version?: string | undefined;
  /** For all that is asked of this registry. */
  readonly signal?: AbortSignal | undefined;
}

/** The one active registry (spec 08 §1). The source is read from the configuration once and kept until `reset`. */
export interface Registry {
  source(): Promise<RegistrySource>;
  /** Throws `ERR_REGISTRY_UNAVAILABLE`, `ERR_REGISTRY_AUTH_REQUIRED`, `ERR_REGISTRY_LEGACY_FORMAT`, `ERR_REGISTRY_INVALID`. */
  list(options?: LoadOptions): Promise<RegistryContent>;
  /** By full or short name (spec 08 §4.1). Throws `ERR_SERVER_NOT_FOUND`, `ERR_SERVER_AMBIGUOUS`, and what `list` throws. */
  find(name: string, options?: LoadOptions): Promise<RegistryEntry>;
  /** By name, description or tag; sorted by name. Throws what `list` throws. */
  search(query: string, options?: LoadOptions): Promise<readonly RegistryEntry[]>;
  /** Names close to a mistyped one, as short as they can be typed. Throws what `list` throws. */
  closeNames(name: string, options?: LoadOptions): Promise<readonly string[]>;
  /** Forgets the source and all that was read from it: the configuration has changed. */
  reset(): void;
}

export function createRegistry(options: RegistryOptions): Registry {
  const config = createConfigStore(options.paths);
  let opened: Promise<Opened> | undefined;

  async function open(): Promise<Opened> {
    opened ??= openProvider(config, options);
    const mine = opened;
    try {
      return await mine;
    } catch (error) {
      if (opened === mine) opened = undefined;
      throw error;
    }
  }

  async function load({ refresh = false, signal = options.signal }: LoadOptions = {}) {
    return (await open()).provider.load({ refresh, signal });
  }

  return {
    source: async () => (await open()).source,
    list: load,
    async find(name, request = {}) {
      const { provider } = await open();
      const entry =
        findEntry((await load(request)).entries, name) ??
        (await provider.findLive?.(name, { signal: options.signal, ...request }));
      if (entry === undefined) throw new ThvError('ERR_SERVER_NOT_FOUND', { server: name });
      return entry;
    },
    search: async (query, request) => searchEntries((await load(request)).entries, query),
    closeNames: async (name, request) => closeEntryNames((await load(request)).entries, name),
    reset() {
      opened = undefined;
    },
  };
}

interface Opened {
  readonly source: RegistrySource;
  readonly provider: Provider;
}

async function openProvider(config: ConfigStore, _options: RegistryOptions): Promise<Opened> {
  const source = sourceOf(await config.read());
  switch (source.kind) {
    case 'default': {
      const { createEmbeddedProvider } = await import('./providers/embedded.ts');
      return { source, provider: createEmbeddedProvider() };
    }
    default: {
      const { createFileProvider } = await import('./providers/file.ts');
      return { source, provider: createFileProvider(source.location) };
    }
  }
}
