import type { Feature } from '../../authz/index.ts';
import type { ListKind } from '../lists/list-rule.ts';

/** How a method is decided (spec 05 §10): anything that is not named here is refused. */
export type Treatment =
  /** A policy decides. */
  | { readonly kind: 'decide'; readonly feature: Feature; readonly idMember: 'name' | 'uri' }
  /** Passed on, and the list that comes back is filtered. */
  | { readonly kind: 'list' }
  | { readonly kind: 'pass' };

const PASS: Treatment = { kind: 'pass' };
const LIST: Treatment = { kind: 'list' };
const READ: Treatment = { kind: 'decide', feature: 'resource', idMember: 'uri' };

const TREATMENTS: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ['tools/call', { kind: 'decide', feature: 'tool', idMember: 'name' }],
  ['prompts/get', { kind: 'decide', feature: 'prompt', idMember: 'name' }],
  ['resources/read', READ],
  ['resources/subscribe', READ],
  ['resources/unsubscribe', READ],
  ['tools/list', LIST],
  ['prompts/list', LIST],
  ['resources/list', LIST],
  ['resources/templates/list', LIST],
  ...[
    'features/list',
    'initialize',
    'ping',
    'roots/list',
    'server/discover',
    'subscriptions/listen',
    'logging/setLevel',
    'completion/complete',
    'notifications/message',
    'notifications/initialized',
    'notifications/progress',
    'notifications/cancelled',
    'notifications/roots/list_changed',
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
    'notifications/resources/updated',
    'notifications/tasks/status',
  ].map((method) => [method, PASS] as const),
]);

/** `undefined`: refused without asking a policy. */
export function treatmentOf(method: string): Treatment | undefined {
  return TREATMENTS.get(method);
}

/** The lists that are filtered, and what a policy is asked about each item. */
export const LISTS: ReadonlyMap<ListKind, Feature> = new Map<ListKind, Feature>([
  [{ member: 'tools', key: 'name', known: ['annotations'] }, 'tool'],
  [{ member: 'prompts', key: 'name', known: [] }, 'prompt'],
  [{ member: 'resources', key: 'uri', known: [] }, 'resource'],
  [{ member: 'resourceTemplates', key: 'uriTemplate', known: [] }, 'resource'],
]);
