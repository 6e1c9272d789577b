export { isAccessToken } from './access-token.ts';
export { createTokenChecker, type TokenChecker } from './checker.ts';
export { issueToken, tokenToJson } from './issue.ts';
export { createTokenStore } from './store.ts';
