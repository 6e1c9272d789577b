export { openEgressProxy } from './proxy.ts';
export { type EgressRules, normalizeHost } from './rules.ts';
