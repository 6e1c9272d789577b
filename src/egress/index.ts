export { type Decision, decisionOf } from './decision.ts';
export { readHead } from './open.ts';
export { openEgressProxy } from './proxy.ts';
export {
  type EgressPolicy,
  type EgressRules,
  matchesHost,
  normalizeHost,
  policyOfRules,
  type Verdict,
} from './rules.ts';
export { findAddresses, openOneOf, serveClient, splice } from './serve-client.ts';
