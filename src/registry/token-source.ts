import { join } from 'node:path';
import { createConfigStore } from '../config/index.ts';
import { hasCode, messageOf, ThvError } from '../errors/index.ts';
import {
  type AuthorizeOptions,
  authorizeInBrowser,
  discoverIssuer,
  refreshTokens,
  type TokenSet,
} from '../oauth/index.ts';
import { acquireLock, type Logger, type Paths } from '../platform/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import { shortHash } from './disk-cache.ts';
import { openLoginSecrets } from './login-secrets.ts';
import type { LoginSettings } from './login-settings.ts';

/** Tokens are renewed this long before they end. */
const EARLY_MS = 30_000;
/** Longer than a refresh may take: two commands at once must not use one refresh token twice. */
const LOCK_TIMEOUT_MS = 45_000;
/** How the reference writes "does not end". */
const NEVER = '0001-01-01T00:00:00Z';

export interface TokenSourceOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly askPassword?: (() => Promise<string>) | undefined;
  /** URL of the registry. */
  readonly url: string;
  readonly login: LoginSettings;
}

type BrowserOptions = Pick<AuthorizeOptions, 'announce' | 'browse' | 'signal'>;

/** Tokens of a login at a registry, kept in the secrets store (spec 08 §6.4). */
export interface TokenSource {
  /** From memory, the store, or the refresh token; never with a browser. Throws `ERR_REGISTRY_AUTH_REQUIRED`. */
  accessToken(options: { readonly signal?: AbortSignal | undefined }): Promise<string>;
  /** The same, and in the browser when nothing else works. Throws `ERR_OAUTH`, and what the store throws. */
  login(options: BrowserOptions): Promise<void>;
}

interface Token {
  readonly value: string;
  readonly expiresAt: Date | undefined;
}

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { url, login, paths, logger } = options;
  const key = `REGISTRY_OAUTH_${shortHash(`${url}\0${login.issuer}`)}`;
  const config = createConfigStore(paths);
  let inMemory: Token | undefined;
  let opened: SecretsStore | undefined;

  async function store(signal: AbortSignal | undefined): Promise<SecretsStore> {
    opened ??= await openLoginSecrets(options, signal);
    return opened;
  }

  async function existingToken(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (inMemory !== undefined && isGood(inMemory)) return inMemory.value;
    const secrets = await store(signal);
    // Held while the refresh token is in use: servers that rotate it take a second use for theft.
    using _lock = await acquireLock(join(paths.config, 'registry-login.lock'), {
      timeoutMs: LOCK_TIMEOUT_MS,
    });
    const stored = parseToken(await find(secrets, `${key}_AT`, signal));
    if (stored !== undefined && isGood(stored)) {
      inMemory = stored;
      return stored.value;
    }
    const refreshToken = await find(secrets, key, signal);
    if (refreshToken === undefined) return undefined;
    const server = await discoverIssuer(login.issuer, { signal });
    const client = { clientId: login.clientId };
    // Awaited here: the lock is held until the new token is on disk.
    return await keep(await refreshTokens({ server, client, refreshToken, signal }), secrets);
  }

  /** Disk first: a refresh token that was rotated and then lost could not be had again. */
  async function keep(tokens: TokenSet, secrets: SecretsStore): Promise<string> {
    const { accessToken, refreshToken, expiresAt } = tokens;
    const expiry = expiresAt === undefined ? NEVER : expiresAt.toISOString().replace(/\.\d+Z$/, 'Z');
    if (refreshToken !== undefined) await secrets.set(key, refreshToken);
    await secrets.set(`${key}_AT`, `${accessToken}|${expiry}`);
    await config.update((current) => {
      const oauth = current.registry_auth?.oauth;
      if (oauth === undefined || oauth === null) return current; // logged out meanwhile
      const noted = { ...oauth, cached_refresh_token_ref: key, cached_token_expiry: expiry };
      return { ...current, registry_auth: { ...current.registry_auth, oauth: noted } };
    });
    inMemory = { value: accessToken, expiresAt };
    return accessToken;
  }

  return {
    async accessToken({ signal }) {
      let problem: string | undefined;
      try {
        const token = await existingToken(signal);
        if (token !== undefined) return token;
      } catch (error) {
        signal?.throwIfAborted();
        problem = messageOf(error);
      }
      throw new ThvError('ERR_REGISTRY_AUTH_REQUIRED', problem === undefined ? {} : { reason: problem });
    },

    async login({ announce, browse, signal }) {
      const secrets = await store(signal);
      try {
        if ((await existingToken(signal)) !== undefined) return;
      } catch (error) {
        signal?.throwIfAborted();
        logger.debug('failed to renew the registry login, asking for a new one', { error });
      }
      const server = await discoverIssuer(login.issuer, { signal });
      const tokens = await authorizeInBrowser({
        server,
        client: { clientId: login.clientId },
        scopes: login.scopes,
        parameters: login.audience === '' ? {} : { audience: login.audience },
        callbackPort: login.callbackPort,
        announce,
        browse,
        signal,
      });
      await keep(tokens, secrets);
    },
  };
}

function isGood({ expiresAt }: Token): boolean {
  return expiresAt === undefined || expiresAt.getTime() - EARLY_MS > Date.now();
}

/** Reads a stored token, `<token>|<expiry in RFC 3339>`; `undefined` for anything else. */
function parseToken(text: string | undefined): Token | undefined {
  const at = text?.lastIndexOf('|') ?? -1;
  if (text === undefined || at <= 0) return undefined;
  const expiry = text.slice(at + 1);
  const expiresAt = expiry === NEVER ? undefined : new Date(expiry);
  return Number.isNaN(expiresAt?.getTime()) ? undefined : { value: text.slice(0, at), expiresAt };
}

async function find(
  store: SecretsStore,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return (await store.get(name, { signal })) || undefined;
  } catch (error) {
    if (hasCode(error, 'ERR_SECRET_NOT_FOUND')) return undefined;
    throw error;
  }
}
