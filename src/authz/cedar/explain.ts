import type { EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/web';
import type { CedarSettings } from '../config.ts';
import { invalid } from '../config.ts';
import { type CedarEngine, loadCedar } from './engine.ts';
import { type Entity, keyOf, parseEntities } from './entities.ts';
import { type Policy, parsePolicies } from './policies.ts';

/** A policy that has a say about a tool. */
export interface Say {
  readonly policy: string;
  readonly effect: 'permit' | 'forbid';
  /** Those it is about: `everyone`, `Client::"joe"`, `members of THVGroup::"eng"`. */
  readonly who: string;
  /** Its conditions as they are written; '' for none. */
  readonly conditions: string;
}

export interface Explainer {
  /** Every policy whose scope takes in a call of the tool, permits first. */
  explain(tool: string): readonly Say[];
}

/** Who may call which tool, as far as the scopes of policies tell; their conditions are shown as they are. Throws `ERR_AUTHZ_INVALID`. */
export async function openExplainer(settings: CedarSettings, workload: string): Promise<Explainer> {
  const engine = await loadCedar();
  const { policies, problems } = parsePolicies(engine, settings.policies);
  const [problem] = problems;
  if (problem !== undefined) throw invalid(`failed to parse policy ${problem.index}: ${problem.message}`);
  const parents = parentsIn(engine, settings);
  const isCall = (uid: TypeAndId) => reaches({ type: 'Action', id: 'call_tool' }, uid, parents);
  return {
    explain(tool) {
      const own = { type: 'Tool', id: tool };
      const isTool = (uid: TypeAndId) =>
        (uid.type === 'MCP' && uid.id === workload) || reaches(own, uid, parents);
      return policies
        .filter(
          ({ json }) => appliesTo(json.action, 'Action', isCall) && appliesTo(json.resource, 'Tool', isTool),
        )
        .map(sayOf)
        .sort((left, right) => (left.effect === right.effect ? 0 : left.effect === 'permit' ? -1 : 1));
    },
  };
}

type Parents = ReadonlyMap<string, readonly TypeAndId[]>;

function parentsIn(engine: CedarEngine, { entities_json }: CedarSettings): Parents {
  return new Map(
    parseEntities(engine, entities_json).map(({ uid, parents }: Entity) => [keyOf(uid), parents.map(plain)]),
  );
}

/** Whether an entity is another one or, as the file declares it, belongs to it. Cedar refuses circles. */
function reaches(from: TypeAndId, to: TypeAndId, parents: Parents): boolean {
  if (keyOf(from) === keyOf(to)) return true;
  return (parents.get(keyOf(from)) ?? []).some((parent) => reaches(parent, to, parents));
}

type Constraint = Policy['json']['principal'] | Policy['json']['action'];

function appliesTo(constraint: Constraint, type: string, matches: (uid: TypeAndId) => boolean): boolean {
  switch (constraint.op) {
    case 'All':
      return true;
    case 'is': {
      const isInside = constraint.in === undefined || uidsOf(constraint.in).some(matches);
      return constraint.entity_type === type && isInside;
    }
    default:
      return uidsOf(constraint).some(matches);
  }
}

function sayOf({ id, text, json }: Policy): Say {
  return { policy: id, effect: json.effect, who: whoIn(json.principal), conditions: conditionsIn(text) };
}

function whoIn(principal: Policy['json']['principal']): string {
  const [named] = uidsOf(principal.op === 'is' ? (principal.in ?? {}) : principal);
  switch (principal.op) {
    case 'All':
      return 'everyone';
    case 'is':
      if (named !== undefined) return `members of ${keyOf(named)}`;
      return principal.entity_type === 'Client' ? 'everyone' : `entities of type ${principal.entity_type}`;
    case '==':
      return named === undefined ? '' : keyOf(named);
    case 'in':
      return named === undefined ? '' : `members of ${keyOf(named)}`;
  }
}

function uidsOf(constraint: object): readonly TypeAndId[] {
  const { entity, entities } = constraint as { entity?: EntityUidJson; entities?: readonly EntityUidJson[] };
  return [...(entity === undefined ? [] : [entity]), ...(entities ?? [])].map(plain);
}

function plain(uid: EntityUidJson): TypeAndId {
  return '__entity' in uid ? uid.__entity : uid;
}

/** What stands behind the scope of a policy, on one line: `when { … }`. */
function conditionsIn(text: string): string {
  const scope = text.search(/\b(?:permit|forbid)\s*\(/);
  let depth = 0;
  for (let at = text.indexOf('(', scope); at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfText(text, at);
    else if (character === '(') depth += 1;
    else if (character === ')' && --depth === 0)
      return text
        .slice(at + 1)
        .replace(/;\s*$/, '')
        .replace(/\s+/g, ' ')
        .trim();
  }
  return '';
}

function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
