import type { CedarValueJson } from '@cedar-policy/cedar-wasm/web';
import type { CedarSettings } from '../config.ts';
import { type AccessRequest, HINTS, OPERATIONS } from '../types.ts';
import type { Entity } from './entities.ts';
import { groupsOf } from './groups.ts';
import { type Conversion, toCedar, toNumber, wellFormed } from './values.ts';
import type { VisibleNames } from './visible-names.ts';

/** A request as Cedar knows it (spec 05 §11.1, §11.2), without what the file declares. */
export interface CedarRequest {
  readonly principal: Entity;
  readonly action: Entity;
  readonly resource: Entity;
  readonly context: Attributes;
}

type Attributes = Record<string, CedarValueJson>;

export interface Model {
  readonly settings: CedarSettings;
  /** Name of the workload: all that it offers belongs to `MCP::"name"`. */
  readonly workload: string;
  /** Only these attributes are made. */
  readonly names: VisibleNames;
  readonly conversion: Conversion;
}

const ACTIONS = { tool: 'call_tool', prompt: 'get_prompt', resource: 'read_resource' } as const;
const TYPES = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource' } as const;

/** Throws `IllFormed`. Without a subject there is nobody to decide about: the caller sees to that. */
export function toCedarRequest(subject: string, request: AccessRequest, model: Model): CedarRequest {
  const { settings, workload } = model;
  const claims = request.identity?.claims ?? {};
  const action = ACTIONS[request.feature];
  const ofClaims = claimAttributes(claims, request.identity?.kind === 'local', model);
  const ofArguments = argumentAttributes(request.arguments ?? {}, model);
  return {
    principal: {
      uid: { type: 'Client', id: wellFormed(subject) },
      attrs: ofClaims,
      parents: groupsOf(claims, settings).map((id) => ({
        type: settings.group_entity_type,
        id: wellFormed(id),
      })),
    },
    action: {
      uid: { type: 'Action', id: action },
      attrs: visible({ operation: action }, model),
      parents: [],
    },
    resource: {
      uid: { type: TYPES[request.feature], id: wellFormed(request.id) },
      attrs: resourceAttributes(request, ofArguments, model),
      parents: [{ type: 'MCP', id: workload }],
    },
    context: { ...ofClaims, ...ofArguments },
  };
}

function resourceAttributes(
  { feature, id, annotations = {} }: AccessRequest,
  ofArguments: Attributes,
  model: Model,
): Attributes {
  const fixed = visible({ name: id, operation: OPERATIONS[feature], feature }, model);
  if (feature === 'resource') return { ...visible({ uri: id }, model), ...fixed };
  if (feature === 'prompt') return { ...ofArguments, ...fixed };
  const hints = Object.fromEntries(
    HINTS.flatMap((hint) => (annotations[hint] === undefined ? [] : [[hint, annotations[hint]] as const])),
  );
  return { ...visible(hints, model), ...ofArguments, ...fixed };
}

function claimAttributes(
  claims: Readonly<Record<string, unknown>>,
  isLocal: boolean,
  { settings, names, conversion }: Model,
): Attributes {
  const attributes: Attributes = {};
  const put = (name: string, value: CedarValueJson | undefined) => {
    if (value !== undefined && (names?.has(name) ?? true)) attributes[wellFormed(name)] = value;
  };
  for (const [name, value] of Object.entries(claims)) {
    const isSeen = names === undefined || names.has(`claim_${name}`) || names.has(`claimset_${name}`);
    if (!isSeen) continue;
    if (!settings.multi_valued_claims.includes(name)) {
      const isTime = isLocal && LOCAL_TIMES.has(name) && typeof value === 'number';
      put(`claim_${name}`, isTime ? toNumber(value, 'long') : toCedar(value, conversion));
      continue;
    }
    const elements = (typeof value === 'string' ? value.split(/\s+/) : Array.isArray(value) ? value : [])
      .filter((element) => typeof element === 'string' && element !== '')
      .map(wellFormed);
    put(`claim_${name}`, typeof value === 'string' ? wellFormed(value) : elements.join(' '));
    put(`claimset_${name}`, elements);
  }
  return attributes;
}

/** Whole numbers for the local user, whatever other numbers become (spec 05 §11.3). */
const LOCAL_TIMES: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf']);

/** A value that is not plain only shows that it is there. */
function argumentAttributes(
  given: Readonly<Record<string, unknown>>,
  { names, conversion }: Model,
): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(given)) {
    const isPlain = typeof value !== 'object';
    const key = isPlain ? `arg_${name}` : `arg_${name}_present`;
    if (names !== undefined && !names.has(key)) continue;
    const converted = isPlain ? toCedar(value, conversion) : true;
    if (converted !== undefined) attributes[wellFormed(key)] = converted;
  }
  return attributes;
}

function visible(attributes: Attributes, { names }: Model): Attributes {
  if (names === undefined) return mapTexts(attributes);
  return mapTexts(Object.fromEntries(Object.entries(attributes).filter(([name]) => names.has(name))));
}

function mapTexts(attributes: Attributes): Attributes {
  for (const value of Object.values(attributes)) if (typeof value === 'string') wellFormed(value);
  return attributes;
}
