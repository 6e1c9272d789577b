import { hasCode, messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { identityFrom } from './claims.ts';
import { createDiscovery } from './discovery.ts';
import type { Claims, Identity } from './identity.ts';
import { createIntrospector, type Introspector } from './introspection/introspect.ts';
import { isJwt, verifyJwt } from './jwt.ts';
import { createKeySet } from './key-set.ts';
import { createOutboundClient } from './outbound.ts';
import { rejected, withoutToken } from './rejection.ts';
import { checkOidcSettings, isUrlValidationOff, type OidcSettings, readOidcFiles } from './settings.ts';

/** An outage is logged once in a while, not with every request. */
const WARN_INTERVAL_MS = 60_000;

/** Tells who sends a request from its `Authorization` header (spec 05 §4). */
export interface Authenticator {
  readonly settings: OidcSettings;
  /** Throws `ERR_TOKEN_REJECTED` (401), or `ERR_PROVIDER_UNREACHABLE` (503) when nobody could be asked. */
  authenticate(authorization: string | null): Promise<Identity>;
}

interface AuthenticatorDependencies {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly now?: () => number;
}

/**
 * Reads the files that the settings name and nothing else: the provider is first asked when a token comes, so that
 * a server can start before its provider. Throws `ERR_OIDC_SETTINGS_INVALID`, `ERR_FILE_UNREADABLE`.
 */
export async function openAuthenticator(
  settings: OidcSettings,
  { env, logger, now = Date.now }: AuthenticatorDependencies,
): Promise<Authenticator> {
  checkOidcSettings(settings, env);
  if (settings.allowHttp)
    logger.warn('tokens are checked over plain HTTP where the identity provider asks for it');
  const client = createOutboundClient({
    ...(await readOidcFiles(settings)),
    allowPrivateAddresses: settings.allowPrivateAddresses,
    allowHttp: settings.allowHttp || isUrlValidationOff(env),
  });
  const { issuer, audience, jwksUrl, introspectionUrl } = settings;
  const introspector = introspectionUrl === '' ? undefined : createIntrospector(settings, client, now);
  const url = jwksUrl === '' ? createDiscovery(issuer, client) : () => Promise.resolve(jwksUrl);
  // With nothing but an introspection endpoint, there are no keys to check a JWT with (spec 05 §20-1).
  const keys = issuer === '' && jwksUrl === '' ? undefined : createKeySet({ url, client, logger, now });

  let warnedAt = Number.NEGATIVE_INFINITY;

  return {
    settings,
    async authenticate(authorization) {
      const token = readBearer(authorization);
      try {
        if (keys !== undefined && isJwt(token)) {
          const claims = await verifyJwt(token, keys);
          return identityFrom(token, claims, { issuer, audience, requiresExpiry: true }, now());
        }
        const claims = await introspect(token, introspector);
        const requiresExpiry = introspector?.requiresExpiry ?? true;
        return identityFrom(token, claims, { issuer, audience, requiresExpiry }, now());
      } catch (error) {
        if (isProvidersFault(error) && now() - warnedAt >= WARN_INTERVAL_MS) {
          warnedAt = now();
          logger.warn('tokens cannot be checked', { error: messageOf(error) });
        } else logger.debug('request not authenticated', { error: messageOf(error) });
        throw providerFault(error);
      }
    },
  };
}

/** RFC 6750 §2.1, as strict as the reference (spec 05 §4.2). Throws `ERR_TOKEN_REJECTED`. */
function readBearer(authorization: string | null): string {
  if (authorization === null || authorization === '') throw withoutToken('authorization header required');
  if (!authorization.startsWith('Bearer '))
    throw withoutToken("invalid authorization header format, expected 'Bearer <token>'");
  const token = authorization.slice('Bearer '.length);
  if (token.trim() === '') throw withoutToken('empty token in authorization header');
  return token;
}

async function introspect(token: string, introspector: Introspector | undefined): Promise<Claims> {
  if (introspector === undefined)
    throw rejected('failed to introspect opaque token: no introspection endpoint available');
  return introspector.introspect(token);
}

/** Nobody can log in while the provider fails, so the operator of the server must hear of it. */
function isProvidersFault(error: unknown): boolean {
  return hasCode(error, 'ERR_PROVIDER_UNREACHABLE') || hasCode(error, 'ERR_PROVIDER_REFUSED');
}

/** When the provider answers nonsense, the token is rejected: a retry after five seconds would not help the caller. */
function providerFault(error: unknown): unknown {
  return hasCode(error, 'ERR_PROVIDER_REFUSED') ? rejected(messageOf(error)) : error;
}
