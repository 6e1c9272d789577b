import { hasCode, messageOf } from '../errors/index.ts';
import type { Authenticator, AuthenticatorDependencies } from './authentication.ts';
import { readBearer } from './bearer.ts';
import { identityFrom } from './claims.ts';
import { createDiscovery } from './discovery.ts';
import type { Claims, Identity } from './identity.ts';
import { createIntrospector, type Introspector } from './introspection/introspect.ts';
import { isJwt, verifyJwt } from './jwt.ts';
import { createKeySet } from './key-set.ts';
import { createOutboundClient } from './outbound.ts';
import { rejected } from './rejection.ts';
import { isUrlValidationOff, type OidcFiles, type OidcSettings } from './settings.ts';
import { createTokenCache } from './token-cache.ts';

/** An outage is logged once in a while, not with every request. */
const WARN_INTERVAL_MS = 60_000;
const INTROSPECTION_TIMEOUT_MS = 10_000;

/** Settings must have passed `checkOidcSettings`. Asks nobody before the first token comes. */
export function createAuthenticator(
  settings: OidcSettings,
  files: OidcFiles,
  {
    env,
    logger,
    now = Date.now,
    introspectionTimeoutMs = INTROSPECTION_TIMEOUT_MS,
  }: AuthenticatorDependencies,
): Authenticator {
  const client = createOutboundClient({
    ...files,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    allowHttp: settings.allowHttp || isUrlValidationOff(env),
  });
  const { issuer, audience, jwksUrl, introspectionUrl } = settings;
  const introspector =
    introspectionUrl === ''
      ? undefined
      : createIntrospector(settings, { client, now, timeoutMs: introspectionTimeoutMs });
  const url = jwksUrl === '' ? createDiscovery(issuer, client) : () => Promise.resolve(jwksUrl);
  // With nothing but an introspection endpoint, there are no keys to check a JWT with (spec 05 §20-1).
  const keys = issuer === '' && jwksUrl === '' ? undefined : createKeySet({ url, client, logger, now });
  const known = createTokenCache(now, () => keys?.generation() ?? 0);

  let warnedAt = Number.NEGATIVE_INFINITY;

  async function check(token: string): Promise<Identity> {
    try {
      if (keys !== undefined && isJwt(token)) {
        const claims = await verifyJwt(token, keys.find, now());
        const identity = identityFrom(token, claims, { issuer, audience, requiresExpiry: true }, now());
        known.add(token, identity);
        return identity;
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
  }

  return {
    settings,
    authenticate(authorization) {
      const token = readBearer(authorization);
      const identity = known.find(token);
      if (identity !== undefined) {
        keys?.refreshIfStale();
        return identity;
      }
      return check(token);
    },
  };
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
