import type { MiddlewareHandler } from 'hono';
import { hasCode } from '../../errors/index.ts';
import {
  type Authenticator,
  challenge,
  providerUnavailable,
  RESOURCE_METADATA_PATH,
  resourceMetadata,
} from '../../oidc/index.ts';
import { textAnswer } from './respond.ts';

/**
 * A valid token on every request, unknown paths included (spec 10 §7); open is only what tells a client where to get one.
 * Without an authenticator everybody who can connect may do everything, and there is no metadata.
 */
export function authentication(authenticator: Authenticator | undefined): MiddlewareHandler {
  return async function authenticate(c, next) {
    const isMetadata =
      c.req.path === RESOURCE_METADATA_PATH || c.req.path.startsWith(`${RESOURCE_METADATA_PATH}/`);
    if (authenticator === undefined) return isMetadata ? textAnswer(404, '404 page not found') : next();
    // No resource URL can be configured here: clients know this server by the name they reached it with.
    const resourceUrl = `http://${c.req.header('host') ?? 'localhost'}`;
    const resource = { settings: authenticator.settings, resourceUrl };
    if (isMetadata) return resourceMetadata(c.req.raw, resource);
    try {
      await authenticator.authenticate(c.req.header('authorization') ?? null);
    } catch (error) {
      if (hasCode(error, 'ERR_TOKEN_REJECTED')) return challenge(error, resource);
      if (hasCode(error, 'ERR_PROVIDER_UNREACHABLE')) return providerUnavailable();
      throw error;
    }
    return next();
  };
}
