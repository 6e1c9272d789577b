import { type ApplicationConfig, createConfigStore } from '../config/index.ts';
import { ThvError } from '../errors/index.ts';
import { type Logger, type Paths, unlessAborted } from '../platform/index.ts';
import { byName, type RegistryContent } from './content.ts';
import type { RegistryEntry } from './entry.ts';
import type { HttpClient } from './http-client.ts';
import { closeEntryNames, findEntry, searchEntries } from './lookup.ts';
import type { Provider } from './provider.ts';
import { type RegistrySource, sourceOf } from './source.ts';

export interface RegistryOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Version of this program, sent in the `User-Agent` of requests. */
  readonly version?: string | undefined;
  /** Asks a person for the password of the secrets store, which holds the tokens of a login. */
  readonly askPassword?: (() => Promise<string>) | undefined;
  /** Aborts when the registry is closed; fetches that several callers share end with it. */
  readonly signal?: AbortSignal | undefined;
}

interface Request {
  /** Cancels this one request. */
  readonly signal?: AbortSignal | undefined;
}

/** The one active registry (spec 08 §1). The source is read from the configuration once and kept until `reset`. */
export interface Registry {
  source(): Promise<RegistrySource>;
  /**
   * Entries by name. With `refresh` an API registry is asked even when what it said before is fresh. Throws `ERR_REGISTRY_UNAVAILABLE`,
   * `ERR_REGISTRY_AUTH_REQUIRED`, `ERR_REGISTRY_REQUEST`, `ERR_REGISTRY_LEGACY_FORMAT`, `ERR_REGISTRY_INVALID`.
   */
  list(request?: Request & { readonly refresh?: boolean }): Promise<RegistryContent>;
  /** By full or short name (spec 08 §4.1). Throws `ERR_SERVER_NOT_FOUND`, `ERR_SERVER_AMBIGUOUS`, and what `list` throws. */
  find(name: string, request?: Request): Promise<RegistryEntry>;
  /** By name, description or tag; sorted by name. Throws what `list` throws. */
  search(query: string, request?: Request): Promise<readonly RegistryEntry[]>;
  /** Names close to a mistyped one, as short as they can be typed (spec 08 §9.19). Throws what `list` throws. */
  closeNames(name: string, request?: Request): Promise<readonly string[]>;
  /** Forgets the source and all that was read from it: the configuration has changed. */
  reset(): void;
}

export function createRegistry(options: RegistryOptions): Registry {
  const config = createConfigStore(options.paths);
  const sorted = new WeakMap<RegistryContent, RegistryContent>();
  let opened: Promise<Opened> | undefined;

  async function open(): Promise<Opened> {
    opened ??= config.read().then((current) => openProvider(current, options));
    const mine = opened;
    try {
      return await mine;
    } catch (error) {
      if (opened === mine) opened = undefined;
      throw error;
    }
  }

  async function list({
    refresh = false,
    signal,
  }: {
    refresh?: boolean;
    signal?: AbortSignal | undefined;
  } = {}) {
    const content = await unlessAborted((await open()).provider.load(refresh), signal);
    const known = sorted.get(content);
    if (known !== undefined) return known;
    for (const { name, reason } of content.skipped) {
      options.logger.debug('registry entry skipped', { server: name, reason });
    }
    const inOrder = { ...content, entries: content.entries.toSorted(byName) };
    sorted.set(content, inOrder);
    return inOrder;
  }

  return {
    list,
    source: async () => (await open()).source,
    async find(name, request) {
      const { provider } = await open();
      const entry =
        findEntry((await list(request)).entries, name) ?? (await provider.findLive?.(name, request?.signal));
      if (entry === undefined) {
        const close = closeEntryNames((await list(request)).entries, name);
        const hint = `${close.length === 0 ? '' : `did you mean ${close.join(' or ')}? `}use 'thv registry list' to see available servers`;
        throw new ThvError('ERR_SERVER_NOT_FOUND', { server: name }, { hint });
      }
      return entry;
    },
    search: async (query, request) => searchEntries((await list(request)).entries, query),
    closeNames: async (name, request) => closeEntryNames((await list(request)).entries, name),
    reset() {
      opened = undefined;
    },
  };
}

interface Opened {
  readonly source: RegistrySource;
  readonly provider: Provider;
}

/** Each kind is imported when it is used: a run from the built-in catalog loads no HTTP. */
async function openProvider(config: ApplicationConfig, options: RegistryOptions): Promise<Opened> {
  const source = sourceOf(config);
  const { location } = source;
  switch (source.kind) {
    case 'default': {
      const { createEmbeddedProvider } = await import('./providers/embedded.ts');
      return { source, provider: createEmbeddedProvider() };
    }
    case 'file': {
      const { createFileProvider } = await import('./providers/file.ts');
      return { source, provider: createFileProvider(location) };
    }
    case 'url': {
      const { createUrlProvider } = await import('./providers/url.ts');
      const http = await openHttp(config, options);
      return { source, provider: createUrlProvider(location, http, { signal: options.signal }) };
    }
    case 'api':
      return { source, provider: await openApi(location, config, options) };
  }
}

async function openApi(url: string, config: ApplicationConfig, options: RegistryOptions): Promise<Provider> {
  const { createApiProvider } = await import('./providers/api.ts');
  const { createRegistryApi } = await import('./api-client.ts');
  const { createDiskCache } = await import('./disk-cache.ts');
  const { logger, signal } = options;
  const authorize = await openAuthorization(url, config, options);
  return createApiProvider({
    url,
    api: createRegistryApi(url, { http: await openHttp(config, options), authorize }),
    isAuthenticated: authorize !== undefined,
    cache: createDiskCache(options.paths, url, logger),
    logger,
    signal,
  });
}

async function openAuthorization(url: string, config: ApplicationConfig, options: RegistryOptions) {
  const { loginOf } = await import('./login-settings.ts');
  const login = loginOf(config);
  if (login === undefined) return undefined;
  const { createTokenSource } = await import('./token-source.ts');
  const tokens = createTokenSource({ ...options, url, login });
  return async ({ signal }: Request) => `Bearer ${await tokens.accessToken({ signal })}`;
}

async function openHttp(config: ApplicationConfig, { env, version }: RegistryOptions): Promise<HttpClient> {
  const { createHttpClient, userAgent } = await import('./http-client.ts');
  return createHttpClient({
    allowPrivateAddress: config.allow_private_registry_ip,
    env,
    userAgent: userAgent(version),
  });
}
