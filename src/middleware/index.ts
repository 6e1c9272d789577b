export { composeChain } from './chain.ts';
export { readFields } from './events/event-fields.ts';
export { createEventSplitter } from './events/event-splitter.ts';
export {
  headerNameProblem,
  headerRestriction,
  headerValueProblem,
} from './header-forward/forwarded-header.ts';
export { storedForwardHeaders } from './header-forward/stored-headers.ts';
export { objectToPage } from './origin/page.ts';
export { RateLimitSchema } from './rate-limit/config.ts';
export { openMiddlewares } from './registry.ts';
export {
  TOKEN_EXCHANGE_SECRET_TARGET,
  type TokenExchangeConfig,
  TokenExchangeSchema,
} from './token-exchange/config.ts';
export { encodeHeaderValue } from './tool-filter/header-value.ts';
export { listServerTools } from './tool-lock/list-server-tools.ts';
export type { Services } from './types.ts';
export {
  checkWebhooks,
  type GivenWebhooks,
  mergeWebhooks,
  storedWebhook,
  WebhookFileSchema,
} from './webhooks/config.ts';
