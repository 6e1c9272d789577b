export { composeChain } from './chain.ts';
export { buildMiddlewares, type ChainFacts } from './registry.ts';
export type { CreateMiddleware, Middleware, MiddlewareConfig, MiddlewareDeps } from './types.ts';
