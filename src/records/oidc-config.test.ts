import { expect, test } from 'bun:test';
import { asksForTokens, callerRulesOf, secretNameOf } from './oidc-config.ts';
import { formatRunConfig, parseRunConfig } from './run-config.ts';

const parse = (document: object) =>
  parseRunConfig(JSON.stringify({ image: 'i', transport: 'stdio', ...document }));
const chain = (parameters: unknown) => ({ middleware_configs: [{ type: 'auth', parameters }] });

test('keys match in any case, and all twelve are written in their order', () => {
  const config = parse({ oidc_config: { issuer: 'https://a', AUDIENCE: 'b', Future: 1 } });
  expect(config.oidc_config).toMatchObject({ Issuer: 'https://a', Audience: 'b', Scopes: null });
  const written = JSON.parse(formatRunConfig(config)) as { oidc_config: object };
  expect(Object.keys(written.oidc_config)).toEqual([
    ...['Issuer', 'Audience', 'JWKSURL', 'ClientID', 'ClientSecret', 'CACertPath', 'AuthTokenFile'],
    ...['AllowPrivateIP', 'InsecureAllowHTTP', 'IntrospectionURL', 'ResourceURL', 'Scopes', 'Future'],
  ]);
});

test.each([
  ['an issuer', { Issuer: 'https://a' }, true],
  ['an audience', { Audience: 'a' }, true],
  ['keys', { JWKSURL: 'https://a' }, true],
  ['an endpoint for introspection', { IntrospectionURL: 'https://a' }, true],
  ['a client', { ClientID: 'a' }, true],
  ['the URL of the resource alone', { ResourceURL: 'https://a', Scopes: ['x'], AllowPrivateIP: true }, false],
  ['nothing', {}, false],
])('%s: tokens are asked for is %p', (_, oidc_config, expected) => {
  expect(asksForTokens(parse({ oidc_config }).oidc_config)).toBe(expected);
  expect(callerRulesOf(parse({ oidc_config })).oidc !== undefined).toBe(expected);
  expect(callerRulesOf(parse(chain({ oidc_config }))).oidc !== undefined).toBe(expected);
});

test.each([
  ['a field of its own', { require_token: true }],
  ['the chain', chain({ require_token: true })],
  [
    'the last of two entries',
    { middleware_configs: [{ type: 'auth' }, { type: 'auth', parameters: { require_token: true } }] },
  ],
])('access tokens are asked for by %s', (_, document) => {
  expect(callerRulesOf(parse(document)).requireToken).toBe(true);
});

test('the field wins where it says more, and what would let others in is refused', () => {
  const both = (own: object, inChain: object) => ({ oidc_config: own, ...chain({ oidc_config: inChain }) });
  const more = parse(both({ Issuer: 'https://a', CACertPath: '/ca' }, { Issuer: 'https://a' }));
  expect(callerRulesOf(more).oidc?.CACertPath).toBe('/ca');
  const other = parse(both({ Issuer: 'https://a' }, { Issuer: 'https://b' }));
  expect(() => callerRulesOf(other)).toThrow('oidc_config and the oidc_config of middleware auth differ');
});

test('what a newer version asks for is refused, not left out', () => {
  expect(() => callerRulesOf(parse(chain({ mtls: {} })))).toThrow(
    'invalid parameters of middleware auth: mtls',
  );
});

test.each([
  ['OIDC_CLIENT_SECRET_w,target=oidc_secret', 'OIDC_CLIENT_SECRET_w'],
  ['a value', undefined],
  ['a,target=ELSEWHERE', undefined],
  ['', undefined],
])('the client secret %j refers to %p', (ClientSecret, name) => {
  expect(secretNameOf({ ClientSecret })).toBe(name);
});
