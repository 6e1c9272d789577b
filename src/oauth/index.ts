export { type AuthorizeOptions, authorizeInBrowser } from './authorize.ts';
export { discoverIssuer } from './discovery.ts';
export { refreshTokens, type TokenSet } from './tokens.ts';
