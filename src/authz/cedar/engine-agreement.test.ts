import { expect, test } from 'bun:test';
import type { CedarValueJson } from '@cedar-policy/cedar-wasm/web';
import fc from 'fast-check';
import type { Identity } from '../../oidc/index.ts';
import { silentLogger } from '../../platform/index.ts';
import { openAuthorizer, parseAuthzConfig } from '../index.ts';
import { loadCedar } from './engine.ts';

/**
 * Requests are put to the engine with as few attributes as policies look at, and answers are kept. Here the same is asked of the engine
 * itself, with all attributes written out by another hand.
 */

const NAMES = ['a', 'b', 'weather'];
const ATTRIBUTES = [
  'claim_role',
  'claim_level',
  'claim_tags',
  'claim_deep',
  'arg_x',
  'arg_list_present',
  'readOnlyHint',
  'name',
  'owner',
  'feature',
  'uri',
];

const text = fc.constantFrom('dev', 'ops', 'x', '');
const attribute = fc.constantFrom(...ATTRIBUTES);
const holder = fc.constantFrom('principal', 'resource', 'context');
const literal = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  fc.constantFrom('true', 'false', '5', 'decimal("2.5")', 'Tool::"a"'),
);
const atom = fc.oneof(
  fc.tuple(holder, attribute, literal).map(([on, name, value]) => `${on}.${name} == ${value}`),
  fc.tuple(holder, attribute).map(([on, name]) => `${on} has ${name}`),
  fc
    .tuple(holder, attribute, literal)
    .map(([on, name, value]) => `${on} has ${name} && ${on}.${name} != ${value}`),
  fc.tuple(holder, text).map(([on, value]) => `${on}.claim_tags.contains(${JSON.stringify(value)})`),
  fc
    .tuple(fc.constantFrom('resource', 'principal', 'context'), fc.constantFrom('claim_deep'))
    .map(([on, name]) => `${on} has ${name}.inner && ${on}.${name}.inner like "d*"`),
  fc.constantFrom(
    'principal in THVGroup::"eng"',
    'principal in Role::"all"',
    'resource in MCP::"srv"',
    'resource in Kit::"safe"',
    'context.claim_level.lessThan(decimal("3.0"))',
    'principal == Client::"u1"',
    'context == {claim_role: "dev", claim_sub: "u1"}',
    'Tool::"a".owner == "dev"',
  ),
);
const expression = fc.oneof(
  atom,
  fc.tuple(atom, fc.constantFrom('&&', '||'), atom).map((parts) => `(${parts[0]}) ${parts[1]} (${parts[2]})`),
  atom.map((inner) => `!(${inner})`),
  fc.tuple(atom, atom, atom).map(([when, then, otherwise]) => `if ${when} then ${then} else ${otherwise}`),
);
const policy = fc
  .tuple(
    fc.constantFrom('permit', 'permit', 'permit', 'forbid'),
    fc.constantFrom('principal', 'principal in THVGroup::"eng"', 'principal is Client'),
    fc.constantFrom(
      'action',
      'action == Action::"call_tool"',
      'action in [Action::"call_tool", Action::"get_prompt"]',
    ),
    fc.constantFrom('resource', 'resource == Tool::"a"', 'resource is Tool', 'resource in MCP::"srv"'),
    fc.option(fc.tuple(fc.constantFrom('when', 'unless'), expression), { nil: undefined }),
  )
  .map(
    ([effect, who, what, on, condition]) =>
      `${effect}(${who}, ${what}, ${on})${condition === undefined ? '' : ` ${condition[0]} { ${condition[1]} }`};`,
  );
const ENTITIES = [
  { uid: { type: 'Tool', id: 'a' }, attrs: { owner: 'dev' }, parents: [{ type: 'Kit', id: 'safe' }] },
  { uid: { type: 'THVGroup', id: 'eng' }, attrs: {}, parents: [{ type: 'Role', id: 'all' }] },
];
const request = fc.record({
  feature: fc.constantFrom('tool', 'prompt', 'resource'),
  id: fc.constantFrom(...NAMES),
  claims: fc.record(
    {
      role: text,
      level: fc.constantFrom(1, 2.5, 5),
      tags: fc.array(text),
      deep: fc.constantFrom({ inner: 'dev' }, { other: 1 }),
      groups: fc.constantFrom(['eng'], ['none']),
    },
    { requiredKeys: [] },
  ),
  arguments: fc.option(
    fc.record(
      { x: fc.oneof(text, fc.constantFrom(5, true)), list: fc.constantFrom([], null, {}) },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  ),
  readOnlyHint: fc.option(fc.boolean(), { nil: undefined }),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

function cedarValue(value: unknown): CedarValueJson {
  if (typeof value === 'number') return { __extn: { fn: 'decimal', arg: value.toFixed(4) } };
  if (Array.isArray(value)) return value.map(cedarValue);
  if (typeof value !== 'object' || value === null) return value as CedarValueJson;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cedarValue(member)]));
}

/** The request in full, from the chapter. */
function written({ feature, id, claims, arguments: given = {}, readOnlyHint }: Request) {
  const ofClaims = Object.fromEntries(
    Object.entries({ sub: 'u1', ...claims }).map(([name, value]) => [`claim_${name}`, cedarValue(value)]),
  );
  const ofArguments =
    feature === 'resource'
      ? {}
      : Object.fromEntries(
          Object.entries(given).map(([name, value]) =>
            typeof value === 'object' ? [`arg_${name}_present`, true] : [`arg_${name}`, cedarValue(value)],
          ),
        );
  const operation = { tool: 'call', prompt: 'get', resource: 'read' }[feature];
  const type = { tool: 'Tool', prompt: 'Prompt', resource: 'Resource' }[feature];
  const hints = feature === 'tool' && readOnlyHint !== undefined ? { readOnlyHint } : {};
  const declared = type === 'Tool' && id === 'a' ? { owner: 'dev' } : {};
  const uri = feature === 'resource' ? { uri: id } : {};
  const action = { tool: 'call_tool', prompt: 'get_prompt', resource: 'read_resource' }[feature];
  const groups = claims.groups ?? [];
  return {
    principal: { type: 'Client', id: 'u1' },
    action: { type: 'Action', id: action },
    resource: { type, id },
    context: { ...ofClaims, ...ofArguments },
    entities: [
      {
        uid: { type: 'Client', id: 'u1' },
        attrs: ofClaims,
        parents: groups.map((group) => ({ type: 'THVGroup', id: group })),
      },
      { uid: { type: 'Action', id: action }, attrs: { operation: action }, parents: [] },
      {
        uid: { type, id },
        attrs: { ...declared, ...hints, ...ofArguments, ...uri, name: id, operation, feature },
        parents: [
          { type: 'MCP', id: 'srv' },
          ...(type === 'Tool' && id === 'a' ? [{ type: 'Kit', id: 'safe' }] : []),
        ],
      },
      ...ENTITIES.filter(({ uid }) => uid.type !== type || uid.id !== id),
    ],
  };
}

test('500 generated policies, entities and requests are decided as the engine itself decides them', async () => {
  const engine = await loadCedar();
  let allowed = 0;
  let erred = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(policy, { minLength: 1, maxLength: 4 }), request, async (policies, asked) => {
      const config = parseAuthzConfig({
        version: '1',
        type: 'cedarv1',
        cedar: { policies, entities_json: JSON.stringify(ENTITIES) },
      });
      using authorizer = await openAuthorizer(config, { workload: 'srv', env: {}, log: silentLogger });
      const identity = {
        kind: 'oidc',
        subject: 'u1',
        claims: { sub: 'u1', ...asked.claims },
      } as unknown as Identity;
      const { feature, id, readOnlyHint } = asked;
      const ours = await authorizer.decide({
        identity,
        feature,
        id,
        arguments: feature === 'resource' ? undefined : asked.arguments,
        annotations: readOnlyHint === undefined ? undefined : { readOnlyHint },
      });
      const answer = engine.ask((cedar) =>
        cedar.isAuthorized({ ...written(asked), policies: { staticPolicies: policies.join('\n') } }),
      );
      if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join());
      const { decision, diagnostics } = answer.response;
      allowed += decision === 'allow' ? 1 : 0;
      erred += diagnostics.errors.length > 0 ? 1 : 0;
      expect(ours.isAllowed).toBe(decision === 'allow' && diagnostics.errors.length === 0);
      expect(new Set(ours.policies)).toEqual(new Set(diagnostics.reason));
    }),
    { numRuns: 500 },
  );
  // Neither side of it is empty.
  expect([allowed > 50, erred > 50]).toEqual([true, true]);
}, 60_000);

test('decisions take no memory of the engine', async () => {
  const engine = await loadCedar();
  const config = parseAuthzConfig({
    version: '1',
    type: 'cedarv1',
    cedar: {
      policies: ['permit(principal, action, resource) when { context.arg_x == context.claim_role };'],
    },
  });
  using authorizer = await openAuthorizer(config, { workload: 'srv', env: {}, log: silentLogger });
  const identity = { kind: 'oidc', subject: 'u1', claims: { role: 'dev' } } as unknown as Identity;
  const ask = (x: string) => authorizer.decide({ identity, feature: 'tool', id: 'a', arguments: { x } });
  for (let index = 0; index < 100; index += 1) await ask(`x${index}`);
  const before = engine.memoryBytes();
  for (let index = 0; index < 5000; index += 1) await ask(`y${index}`);
  expect(engine.memoryBytes()).toBe(before);
}, 60_000);
