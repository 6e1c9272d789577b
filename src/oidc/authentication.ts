import type { Logger } from '../platform/index.ts';
import type { Identity } from './identity.ts';
import type { Environment, OidcSettings } from './settings.ts';

/** Tells who sends a request from its `Authorization` header (spec 05 §4). */
export interface Authenticator {
  readonly settings: OidcSettings;
  /**
   * At once for a token that was checked a moment ago. Throws or rejects with `ERR_TOKEN_REJECTED` (401), or
   * `ERR_PROVIDER_UNREACHABLE` (503) when nobody could be asked.
   */
  authenticate(authorization: string | null): Identity | Promise<Identity>;
}

export interface AuthenticatorDependencies {
  readonly env: Environment;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** How long an introspection endpoint may take; default 10 s. */
  readonly introspectionTimeoutMs?: number;
}
