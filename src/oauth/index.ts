export { type AuthorizeOptions, authorizeInBrowser } from './authorize.ts';
export { type AuthorizationServer, discoverIssuer } from './discovery.ts';
export { refreshTokens, type TokenSet } from './tokens.ts';
