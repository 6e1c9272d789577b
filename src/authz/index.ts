export { type AuthzConfig, type AuthzDocument, parseAuthzConfig } from './config.ts';
export { openAuthorizer } from './open-authorizer.ts';
export { parseAuthzFile, readAuthzFile } from './read-config.ts';
export {
  type AccessRequest,
  type Authorizer,
  type Feature,
  HINTS,
  type ToolAnnotations,
  type Verdict,
} from './types.ts';
