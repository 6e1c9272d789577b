export { type Decision, missingEntries } from './decision.ts';
export { openEgressProxy } from './proxy.ts';
export { type EgressRules, isGranted } from './rules.ts';
