export { openEgressProxy } from './proxy.ts';
export type { EgressRules } from './rules.ts';
