import { type ApplicationConfig, createConfigStore } from '../config/index.ts';
import { hasCode, ThvError, within } from '../errors/index.ts';
import type { Paths } from '../platform/index.ts';
import { createDiskCache } from './disk-cache.ts';
import { type LoginSecretsOptions, openLoginSecrets } from './login-secrets.ts';
import {
  CALLBACK_PORT,
  DEFAULT_SCOPES,
  type LoginSettings,
  loginOf,
  loginToConfig,
} from './login-settings.ts';
import { requireIssuer, type SetSourceDeps, setSource } from './set-source.ts';
import { type RegistrySource, sourceOf } from './source.ts';

/** What was said on the command line; `undefined`: what is configured counts. */
export interface LoginRequest {
  readonly registry?: string | undefined;
  readonly allowPrivateAddress: boolean;
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly audience?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

interface LoginDeps extends SetSourceDeps, LoginSecretsOptions {
  readonly paths: Paths;
  /** Lines for the person, on stderr. */
  readonly announce: (line: string) => void;
  readonly browse?: ((url: string) => Promise<boolean>) | undefined;
}

/**
 * Logs in at the registry in use, or at the one that is named, which then is in use (spec 08 §6.4). Throws
 * `ERR_REGISTRY_AUTH_REQUIRED` listing all that is missing, and what `setSource`, the secrets store and the login throw.
 */
export async function loginToRegistry(request: LoginRequest, deps: LoginDeps): Promise<void> {
  await within('getting secrets provider type', () => openLoginSecrets(deps, deps.signal));
  const config = createConfigStore(deps.paths);
  const current = await config.read();
  const named = request.registry;
  if (named === undefined) refuseFile(sourceOf(current));
  else if (!/^https?:\/\//i.test(named)) refuseFile({ kind: 'file', location: named });
  const login = wantedLogin(request, current);
  if (named === undefined) {
    if (request.issuer !== undefined) {
      await requireIssuer(login.issuer, deps.signal);
      await config.update((now) => ({ ...now, registry_auth: loginToConfig(login) }));
    }
  } else {
    await setSource({ location: named, allowPrivateAddress: request.allowPrivateAddress, login }, deps);
  }
  const { location: url } = sourceOf(await config.read());
  const { createTokenSource } = await import('./token-source.ts');
  await createTokenSource({ ...deps, url, login }).login(deps);
}

/**
 * Forgets all tokens of registries and what the API registry in use said; how to log in stays set up. Throws
 * `ERR_REGISTRY_AUTH_REQUIRED` where that is not.
 */
export async function logoutFromRegistry(
  deps: LoginSecretsOptions & { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const config = createConfigStore(deps.paths);
  const current = await config.read();
  if (loginOf(current) === undefined) {
    throw new ThvError('ERR_REGISTRY_AUTH_REQUIRED', {
      reason: "registry OAuth authentication is not configured; run 'thv registry login' first",
    });
  }
  try {
    const secrets = await openLoginSecrets(deps, deps.signal);
    for (const { key } of await secrets.list()) await secrets.delete(key);
  } catch (error) {
    // Without a store there are no tokens in it.
    if (!hasCode(error, 'ERR_SECRETS_NOT_SET_UP')) throw error;
  }
  const { location } = sourceOf(current);
  await createDiskCache(deps.paths, location, deps.logger).delete();
  await config.update(withoutTokens);
}

/** Sets up a login for the registry that is configured, without logging in (deprecated `config set-registry-auth`). */
export async function setLogin(
  login: Omit<LoginSettings, 'callbackPort'>,
  { paths, signal }: Pick<SetSourceDeps, 'paths' | 'signal'>,
): Promise<void> {
  const config = createConfigStore(paths);
  const { kind } = sourceOf(await config.read());
  if (kind !== 'url' && kind !== 'api') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason:
        "no registry URL is configured; use 'thv config set-registry' with --issuer and --client-id flags instead",
    });
  }
  await requireIssuer(login.issuer, signal);
  await config.update((current) => ({ ...current, registry_auth: loginToConfig(login) }));
}

export async function unsetLogin({ paths }: Pick<SetSourceDeps, 'paths'>): Promise<void> {
  await createConfigStore(paths).update(({ registry_auth: _, ...config }) => config);
}

function refuseFile({ kind, location }: RegistrySource): void {
  if (kind !== 'file') return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `OAuth login is not supported for local file registries (path: ${location}); use a remote registry URL with --registry instead`,
  });
}

/** From the flags, else from the configuration; whatever is in neither is listed. */
function wantedLogin(request: LoginRequest, current: ApplicationConfig): LoginSettings {
  const stored = request.registry === undefined ? loginOf(current) : undefined;
  const issuer = request.issuer ?? stored?.issuer;
  const clientId = request.clientId ?? stored?.clientId;
  const hasRegistry = request.registry !== undefined || sourceOf(current).kind !== 'default';
  if (!hasRegistry || issuer === undefined || clientId === undefined) {
    throw missing([
      ...(hasRegistry ? [] : ['--registry <url>']),
      ...(issuer === undefined ? ['--issuer <url>'] : []),
      ...(clientId === undefined ? ['--client-id <id>'] : []),
    ]);
  }
  return {
    issuer,
    clientId,
    scopes: request.scopes ?? stored?.scopes ?? DEFAULT_SCOPES,
    audience: request.audience ?? stored?.audience ?? '',
    callbackPort: stored?.callbackPort ?? CALLBACK_PORT,
  };
}

function missing(flags: readonly string[]): ThvError {
  const reason = [
    'missing required configuration:',
    ...flags.map((flag) => `  ${flag}`),
    'Example:',
    '  thv registry login --registry https://registry.example.com --issuer https://auth.example.com --client-id my-client',
  ].join('\n');
  return new ThvError('ERR_REGISTRY_AUTH_REQUIRED', { reason });
}

/** The login stays set up, so that `thv registry login` needs no flags. */
function withoutTokens(config: ApplicationConfig): ApplicationConfig {
  const {
    cached_refresh_token_ref: _ref,
    cached_token_expiry: _expiry,
    ...oauth
  } = config.registry_auth?.oauth ?? {};
  return { ...config, registry_auth: { ...config.registry_auth, oauth } };
}
