import type { Authenticator, AuthenticatorDependencies } from './authentication.ts';
import { checkOidcSettings, type OidcSettings, readOidcFiles } from './settings.ts';

/**
 * Reads the files that the settings name and nothing else: the provider is first asked when a token comes, so that
 * a server can start before its provider. Throws `ERR_OIDC_SETTINGS_INVALID`, `ERR_FILE_UNREADABLE`.
 */
export async function openAuthenticator(
  settings: OidcSettings,
  dependencies: AuthenticatorDependencies,
): Promise<Authenticator> {
  checkOidcSettings(settings, dependencies.env);
  const files = await readOidcFiles(settings);
  const { logger } = dependencies;
  if (settings.allowHttp)
    logger.warn('tokens are checked over plain HTTP where the identity provider asks for it');
  if (settings.audience === '')
    logger.warn(
      'no audience is configured: tokens that the provider issued for other services are taken too',
    );
  // Cryptography is loaded by those alone that check tokens.
  const { createAuthenticator } = await import('./authenticator.ts');
  return createAuthenticator(settings, files, dependencies);
}
