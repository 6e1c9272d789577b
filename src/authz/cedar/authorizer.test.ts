import { describe, expect, test } from 'bun:test';
import type { Identity } from '../../oidc/index.ts';
import { silentLogger } from '../../platform/index.ts';
import { openAuthorizer, parseAuthzConfig } from '../index.ts';
import type { AccessRequest } from '../types.ts';

const A = 'action == Action::"call_tool"';
const WEATHER = `permit(principal, ${A}, resource == Tool::"weather");`;
const PASSWD =
  'permit(principal, action == Action::"read_resource", resource == Resource::"file:///etc/passwd");';
const ADMINS = `permit(principal, ${A}, resource) when { principal.claim_roles.contains("admin") };`;
const ANYTHING = `permit(principal, ${A}, resource);`;
const ADD = `permit(principal, ${A}, resource == Tool::"calc") when { resource.arg_operation == "add" };`;
const TAGS = `permit(principal, ${A}, resource) when { context has arg_tags_present };`;
const NO_RESET = `forbid(principal, ${A}, resource == Tool::"admin_reset") when { context has claim_act };`;
const SPIFFE = `permit(principal, ${A}, resource) when { context has claim_act && context.claim_act.sub like "spiffe://td/*" };`;
const ENG = 'permit(principal in THVGroup::"eng", action, resource);';
const DEPLOY = `permit(principal in THVRole::"developer", ${A}, resource == Tool::"deploy");`;
const MAIL = 'permit(principal, action, resource) when { context.claimset_scp.contains("Mail.Read") };';
const READ_ONLY = `permit(principal, ${A}, resource) when { resource has readOnlyHint && resource.readOnlyHint };`;
const SELF =
  'permit(principal, action == Action::"read_resource", resource) when { resource.name == resource.uri };';
const HIERARCHY = JSON.stringify([
  { uid: { type: 'THVGroup', id: 'eng' }, parents: [{ type: 'THVRole', id: 'developer' }], attrs: {} },
]);

interface Asked {
  readonly call?: string;
  readonly get?: string;
  readonly read?: string;
  readonly args?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly hints?: AccessRequest['annotations'];
  readonly sub?: string;
}

function identity(claims: Record<string, unknown> = {}, subject = 'u1'): Identity {
  return {
    kind: 'oidc',
    subject,
    platformUserId: subject,
    owner: undefined,
    name: undefined,
    email: undefined,
    claims: { sub: subject, ...claims },
    delegation: undefined,
    token: undefined,
    tools: undefined,
  };
}

async function decide(
  policies: readonly string[],
  asked: Asked,
  settings: Record<string, unknown> = {},
  workload = 'srv',
): Promise<'allow' | 'deny'> {
  const config = parseAuthzConfig({ version: '1.0', type: 'cedarv1', cedar: { policies, ...settings } });
  using authorizer = await openAuthorizer(config, { workload, env: {}, log: silentLogger });
  const { call, get, read, args, claims, hints, sub } = asked;
  const { isAllowed } = await authorizer.decide({
    identity: identity(claims, sub),
    feature: call === undefined ? (get === undefined ? 'resource' : 'prompt') : 'tool',
    id: call ?? get ?? read ?? '',
    arguments: args,
    annotations: hints,
  });
  return isAllowed ? 'allow' : 'deny';
}

describe('Cedar decides as spec 05 §14 says', () => {
  test.each<[string, string[], Asked, 'allow' | 'deny', Record<string, unknown>?, string?]>([
    ['1: the tool of a policy', [WEATHER], { call: 'weather' }, 'allow'],
    ['2: another tool', [WEATHER], { call: 'calculator' }, 'deny'],
    ['3: a prompt', [WEATHER], { get: 'greeting' }, 'deny'],
    ['4: the resource of a policy', [PASSWD], { read: 'file:///etc/passwd' }, 'allow'],
    ['5: a URI as old versions rewrote it', [PASSWD], { read: 'file:___etc_passwd' }, 'deny'],
    ['6: a principal', [`permit(principal == Client::"u1", ${A}, resource);`], { call: 'x' }, 'allow'],
    [
      '6: another principal',
      [`permit(principal == Client::"u1", ${A}, resource);`],
      { call: 'x', sub: 'u2' },
      'deny',
    ],
    ['7: a claim', [ADMINS], { call: 'x', claims: { roles: ['admin'] } }, 'allow'],
    ['8: no such claim', [ADMINS], { call: 'x' }, 'deny'],
    ['9: an error beside a permit', [ADMINS, ANYTHING], { call: 'x' }, 'deny'],
    ['10: an argument', [ADD], { call: 'calc', args: { operation: 'add' } }, 'allow'],
    ['11: another argument', [ADD], { call: 'calc', args: { operation: 'mul' } }, 'deny'],
    ['12: no arguments', [ADD], { call: 'calc' }, 'deny'],
    [
      '13: a number is no Long',
      [`permit(principal, ${A}, resource) when { context.arg_n == 5 };`],
      { call: 'x', args: { n: 5 } },
      'deny',
    ],
    [
      '14: a number is a decimal',
      [`permit(principal, ${A}, resource) when { context.arg_n.lessThan(decimal("6.0")) };`],
      { call: 'x', args: { n: 5 } },
      'allow',
    ],
    ['15: a list is present', [TAGS], { call: 'x', args: { tags: ['a'] } }, 'allow'],
    ['16: a text is not', [TAGS], { call: 'x', args: { tags: 'a' } }, 'deny'],
    ['17: a forbid', [ANYTHING, NO_RESET], { call: 'admin_reset', claims: { act: { sub: 'x' } } }, 'deny'],
    ['18: a forbid that does not apply', [ANYTHING, NO_RESET], { call: 'admin_reset' }, 'allow'],
    ['19: a nested claim', [SPIFFE], { call: 'x', claims: { act: { sub: 'spiffe://td/a' } } }, 'allow'],
    ['20: groups', [ENG], { call: 'x', claims: { groups: ['eng'] } }, 'allow'],
    ['20: roles', [ENG], { get: 'x', claims: { roles: ['eng'] } }, 'allow'],
    ['20: cognito:groups', [ENG], { read: 'x', claims: { 'cognito:groups': ['eng'] } }, 'allow'],
    [
      '21: an empty claim of the name ends the search',
      [ENG],
      { call: 'x', claims: { custom: [], groups: ['eng'] } },
      'deny',
      { group_claim_name: 'custom' },
    ],
    [
      '22: an absent one does not',
      [ENG],
      { call: 'x', claims: { groups: ['eng'] } },
      'allow',
      { group_claim_name: 'custom' },
    ],
    [
      '23: a path',
      [ENG],
      { call: 'x', claims: { realm_access: { roles: ['eng'] } } },
      'allow',
      { group_claim_name: 'realm_access.roles' },
    ],
    [
      '24: a hierarchy',
      [DEPLOY],
      { call: 'deploy', claims: { groups: ['eng'] } },
      'allow',
      { entities_json: HIERARCHY },
    ],
    ['25: this workload', ['permit(principal, action, resource in MCP::"srv");'], { call: 'x' }, 'allow'],
    [
      '25: another workload',
      ['permit(principal, action, resource in MCP::"srv");'],
      { call: 'x' },
      'deny',
      {},
      'other',
    ],
    [
      '26: a set out of a text',
      [MAIL],
      { call: 'x', claims: { scp: 'User.Read Mail.Read' } },
      'allow',
      { multi_valued_claims: ['scp'] },
    ],
    [
      '26: a set out of a list',
      [MAIL],
      { call: 'x', claims: { scp: ['User.Read', 'Mail.Read'] } },
      'allow',
      { multi_valued_claims: ['scp'] },
    ],
    [
      '27: no part of a longer one',
      [MAIL],
      { call: 'x', claims: { scp: ['Mail.ReadWrite'] } },
      'deny',
      { multi_valued_claims: ['scp'] },
    ],
    ['28: a hint of the server', [READ_ONLY], { call: 'x', hints: { readOnlyHint: true } }, 'allow'],
    ['29: no hint known', [READ_ONLY], { call: 'x' }, 'deny'],
    [
      '29: a hint of the client',
      [READ_ONLY],
      { call: 'x', args: { readOnlyHint: true, annotations: { readOnlyHint: true } } },
      'deny',
    ],
    ['32: name and uri of a resource', [SELF], { read: 'file:///x' }, 'allow'],
  ])('%s', async (...[, policies, asked, expected, settings, workload]) => {
    expect(await decide(policies, asked, settings, workload)).toBe(expected);
  });
});

describe('Cedar decides better than the reference', () => {
  const OWNER = 'permit(principal, action, resource) when { resource.owner == principal.claim_sub };';
  const owned = (uid: unknown, more = {}) =>
    JSON.stringify([{ uid, attrs: { owner: 'u1', name: 'forged' }, ...more }]);

  test.each<[string, string[], Asked, 'allow' | 'deny', Record<string, unknown>?]>([
    [
      'attributes of the file count (§20-12)',
      [OWNER],
      { call: 'weather' },
      'allow',
      { entities_json: owned({ type: 'Tool', id: 'weather' }) },
    ],
    [
      'for another caller they say no',
      [OWNER],
      { call: 'weather', sub: 'u2' },
      'deny',
      { entities_json: owned({ type: 'Tool', id: 'weather' }) },
    ],
    ['uids may be texts', [OWNER], { call: 'weather' }, 'allow', { entities_json: owned('Tool::weather') }],
    [
      'uids may be quoted texts',
      [OWNER],
      { call: 'a::b "c"' },
      'allow',
      { entities_json: owned('Tool::"a::b \\"c\\""') },
    ],
    [
      'attributes of the request win',
      ['permit(principal, action, resource) when { resource.name == "weather" };'],
      { call: 'weather' },
      'allow',
      { entities_json: owned('Tool::weather') },
    ],
    [
      'a tool belongs to what the file says',
      ['permit(principal, action, resource in Kit::"safe");'],
      { call: 'weather' },
      'allow',
      { entities_json: owned('Tool::weather', { parents: ['Kit::safe'] }) },
    ],
    [
      'and to its workload',
      ['permit(principal, action, resource in MCP::"srv");'],
      { call: 'weather' },
      'allow',
      { entities_json: owned('Tool::weather', { parents: ['Kit::safe'] }) },
    ],
    ['one entry may hold several policies', [`${WEATHER} ${ANYTHING}`], { call: 'x' }, 'allow'],
    [
      'whole numbers may be Longs (§20-13)',
      [`permit(principal, ${A}, resource) when { context.arg_n == 5 };`],
      { call: 'x', args: { n: 5 } },
      'allow',
      { numbers: 'long' },
    ],
    [
      'and others stay decimals',
      [`permit(principal, ${A}, resource) when { context.arg_n == decimal("5.5") };`],
      { call: 'x', args: { n: 5.5 } },
      'allow',
      { numbers: 'long' },
    ],
    [
      'a number that no Long holds exactly is none',
      [`permit(principal, ${A}, resource) when { !(context has arg_n) };`],
      { call: 'x', args: { n: 2 ** 53 } },
      'allow',
      { numbers: 'long' },
    ],
    ['nothing permits: no', [`forbid(principal, ${A}, resource == Tool::"y");`], { call: 'x' }, 'deny'],
    [
      'a caller without a subject: no',
      ['permit(principal, action, resource);'],
      { call: 'x', sub: '' },
      'deny',
    ],
    [
      'half a character in an argument: no',
      ['permit(principal, action, resource) when { context.arg_a != "b" };'],
      { call: 'x', args: { a: '\ud800' } },
      'deny',
    ],
    ['half a character in a name: no', ['permit(principal, action, resource);'], { call: '\ud800' }, 'deny'],
    [
      'a claim cannot become an entity',
      ['permit(principal, action, resource) when { context.claim_a == Role::"admin" };'],
      { call: 'x', claims: { a: { __entity: { type: 'Role', id: 'admin' } } } },
      'deny',
    ],
    [
      'a claim cannot become a decimal',
      ['permit(principal, action, resource) when { context.claim_a == decimal("1.0") };'],
      { call: 'x', claims: { a: { __extn: { fn: 'decimal', arg: '1.0' } } } },
      'deny',
    ],
    [
      'an argument of another case is not overlooked',
      [ANYTHING, `forbid(principal, ${A}, resource) when { context has arg_path };`],
      { call: 'x', args: { Path: '/etc' } },
      'deny',
    ],
    [
      'nor one of another case that is a list',
      [ANYTHING, `forbid(principal, ${A}, resource) when { context has arg_paths_present };`],
      { call: 'x', args: { PATHS: [] } },
      'deny',
    ],
    [
      'an argument that no policy knows may be spelt in any way',
      [ANYTHING, `forbid(principal, ${A}, resource) when { context has arg_path };`],
      { call: 'x', args: { Query: '/etc' } },
      'allow',
    ],
    [
      'the whole context can be looked at',
      ['permit(principal, action, resource) when { context == {claim_sub: "u1", arg_a: "b"} };'],
      { call: 'x', args: { a: 'b' } },
      'allow',
    ],
    [
      'names of any form',
      ['permit(principal, action, resource) when { principal["claim_https://x/groups"].contains("a") };'],
      { call: 'x', claims: { 'https://x/groups': ['a'] } },
      'allow',
    ],
  ])('%s', async (...[, policies, asked, expected, settings]) => {
    expect(await decide(policies, asked, settings)).toBe(expected);
  });

  test('claims as they are: an inherited name is no claim', async () => {
    const claims = JSON.parse('{"__proto__": {"groups": ["eng"]}}');
    expect(await decide([ENG], { call: 'x', claims })).toBe('deny');
  });

  test('the local user has times as whole numbers', async () => {
    const policies = ['permit(principal, action, resource) when { principal.claim_exp > 5 };'];
    const config = parseAuthzConfig({ version: '1.0', type: 'cedarv1', cedar: { policies } });
    using authorizer = await openAuthorizer(config, { workload: 'srv', env: {}, log: silentLogger });
    const ask = async (kind: Identity['kind']) =>
      (await authorizer.decide({ identity: { ...identity({ exp: 9 }), kind }, feature: 'tool', id: 'x' }))
        .isAllowed;
    expect([await ask('local'), await ask('oidc')]).toEqual([true, false]);
  });
});

describe('a configuration', () => {
  test.each([
    ['no object', [], 'the authorization configuration must be an object'],
    ['no version', {}, 'version is required'],
    ['no type', { version: '1' }, 'type is required'],
    ['another type', { version: '1', type: 'opa' }, 'unsupported configuration type: opa'],
    [
      'no part of its own',
      { version: '1', type: 'cedarv1' },
      "cedar configuration is required (missing 'cedar' field)",
    ],
    [
      'no policies',
      { version: '1', type: 'cedarv1', cedar: { policies: [] } },
      'at least one policy is required for Cedar authorization',
    ],
    [
      'policies of another kind',
      { version: '1', type: 'cedarv1', cedar: { policies: [1] } },
      'cedar.policies.0: Invalid type: Expected string but received 1',
    ],
    [
      'a group type with a namespace',
      { version: '1', type: 'cedarv1', cedar: { policies: ['x'], group_entity_type: 'A::B' } },
      'cedar.group_entity_type: "A::B" is no Cedar identifier (letters, digits and _, without ::)',
    ],
    [
      'no claim mapping',
      { version: '1', type: 'httpv1', pdp: { http: { url: 'http://x' } } },
      'claim_mapping is required (valid values: mpe, standard)',
    ],
    [
      'another claim mapping',
      { version: '1', type: 'httpv1', pdp: { http: { url: 'http://x' }, claim_mapping: 'x' } },
      'pdp.claim_mapping: invalid claim_mapping "x" (valid values: mpe, standard)',
    ],
    [
      'a URL of another kind',
      { version: '1', type: 'httpv1', pdp: { http: { url: 'file:///x' }, claim_mapping: 'mpe' } },
      'pdp.http.url: invalid url "file:///x": it must begin with http:// or https://',
    ],
  ])('with %s is refused', (_, document, message) => {
    expect(() => parseAuthzConfig(document)).toThrow(message);
  });

  test.each<[string, string[], Record<string, unknown>, string]>([
    [
      'a policy that does not parse',
      [WEATHER, 'permit(principal action, resource);'],
      {},
      'failed to parse policy 1: unexpected token `action`',
    ],
    ['text behind a policy', [`${WEATHER} garbage`], {}, 'failed to parse policy 0: unexpected end of input'],
    ['an entry without a policy', ['// later'], {}, 'failed to parse policy 0: there is no policy in it'],
    [
      'a template',
      ['permit(principal == ?principal, action, resource);'],
      {},
      'failed to parse policy 0: a policy must not have slots such as ?principal',
    ],
    [
      'a policy of two halves',
      ['permit(principal, action,', 'resource);'],
      {},
      'failed to parse policy 0: unexpected end of input',
    ],
    [
      'endless nesting',
      [`permit(principal, action, resource) when { ${'('.repeat(5000)}true${')'.repeat(5000)} };`],
      {},
      'failed to parse policy 0: it is nested too deeply for the policy engine',
    ],
    ['entities that are no JSON', [WEATHER], { entities_json: '[' }, 'failed to parse entities JSON: '],
    [
      'entities that are no list',
      [WEATHER],
      { entities_json: '{}' },
      'failed to parse entities JSON: document: Invalid type',
    ],
    [
      'an entity without a type',
      [WEATHER],
      { entities_json: '[{"uid":"x"}]' },
      'failed to parse entities JSON: 0.uid: "x" is no entity',
    ],
    [
      'one entity twice',
      [WEATHER],
      { entities_json: '[{"uid":"A::b"},{"uid":{"type":"A","id":"b"},"attrs":{"x":1}}]' },
      'failed to parse entities JSON: duplicate entity entry `A::"b"`',
    ],
    [
      'a value that Cedar lacks',
      [WEATHER],
      { entities_json: '[{"uid":"A::b","attrs":{"x":1.5}}]' },
      'failed to parse entities JSON: ',
    ],
  ])('with %s is refused', async (_, policies, settings, message) => {
    const opening = decide(policies, { call: 'weather' }, settings);
    await opening.then(
      () => expect.unreachable('was accepted'),
      (error: unknown) => expect((error as Error).message).toStartWith(message),
    );
  });

  test('the engine answers as before after it ran out of stack', async () => {
    const config = parseAuthzConfig({ version: '1.0', type: 'cedarv1', cedar: { policies: [WEATHER] } });
    using authorizer = await openAuthorizer(config, { workload: 'srv', env: {}, log: silentLogger });
    const deep = `permit(principal, action, resource) when { ${'('.repeat(5000)}true${')'.repeat(5000)} };`;
    await decide([deep], { call: 'x' }).catch(() => undefined);
    const { isAllowed, policies } = await authorizer.decide({
      identity: identity(),
      feature: 'tool',
      id: 'weather',
    });
    expect([isAllowed, policies]).toEqual([true, ['policy0']]);
  });
});
