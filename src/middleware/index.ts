export { composeChain } from './chain.ts';
export { buildMiddlewares } from './registry.ts';
