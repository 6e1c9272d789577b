export type { Authenticator } from './authentication.ts';
export { readBearer } from './bearer.ts';
export { type Delegation, readDelegation } from './delegation.ts';
export { BearerToken, type Identity, ownerOf } from './identity.ts';
export { openAuthenticator } from './open-authenticator.ts';
export { rejected } from './rejection.ts';
export { challenge, providerUnavailable, RESOURCE_METADATA_PATH, resourceMetadata } from './responses.ts';
export { checkOidcSettings, isOidcOn, NO_OIDC, type OidcSettings, readOidcFiles } from './settings.ts';
export { settingsFrom, storedFrom } from './stored-settings.ts';
