export { checkAuthzFile, type FileProblem } from './check-file.ts';
export { type AuthzConfig, type AuthzDocument, parseAuthzConfig } from './config.ts';
export { explainTools, type ToolExplanation } from './explain-tools.ts';
export { openAuthorizer } from './open-authorizer.ts';
export { parseAuthzFile, readAuthzFile } from './read-config.ts';
export { type AccessRequest, type Authorizer, type Feature, HINTS, type ToolAnnotations } from './types.ts';
