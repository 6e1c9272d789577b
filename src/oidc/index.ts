export { type Authenticator, openAuthenticator } from './authenticator.ts';
export { type Delegation, readDelegation } from './delegation.ts';
export type { Identity } from './identity.ts';
export { challenge, providerUnavailable, RESOURCE_METADATA_PATH, resourceMetadata } from './responses.ts';
export { isOidcOn, type OidcSettings } from './settings.ts';
