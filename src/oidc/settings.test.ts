import { expect, test } from 'bun:test';
import { messageOf } from '../errors/index.ts';
import { checkOidcSettings, NO_OIDC, type OidcSettings } from './settings.ts';

const HTTP = 'http://idp.example/x';

test.each<readonly [string, Partial<OidcSettings>, Readonly<Record<string, string>>, string]>([
  ['an issuer', { issuer: 'https://idp.example' }, {}, ''],
  ['keys on this machine over plain HTTP', { jwksUrl: 'http://localhost:9000/keys' }, {}, ''],
  ['keys over plain HTTP where that is allowed', { jwksUrl: HTTP, allowHttp: true }, {}, ''],
  [
    'keys over plain HTTP without any check',
    { jwksUrl: HTTP },
    { INSECURE_DISABLE_URL_VALIDATION: 'TRUE' },
    '',
  ],
  ['keys over plain HTTP', { jwksUrl: HTTP }, {}, `invalid ${HTTP}: endpoint must use HTTPS: ${HTTP}`],
  [
    'nothing that checks a token',
    { audience: 'a' },
    {},
    'either issuer or JWKS URL must be provided (or an introspection URL)',
  ],
  [
    'another scheme',
    { issuer: 'ftp://idp.example' },
    {},
    'invalid issuer: ftp://idp.example (an http or https URL is needed)',
  ],
  ['an issuer with a line end', { issuer: 'https://idp.example\r\nX: y' }, {}, 'invalid issuer: '],
  [
    'a scope that no header can hold',
    { issuer: 'https://idp.example', scopes: ['a', 'b c'] },
    {},
    'invalid OAuth scope: "b c"',
  ],
  [
    'no discovery, and no keys',
    { issuer: 'https://idp.example' },
    { TOOLHIVE_SKIP_OIDC_DISCOVERY: 'true' },
    'TOOLHIVE_SKIP_OIDC_DISCOVERY=true requires explicit JWKSURL in config',
  ],
])('%s', (_, settings, env, problem) => {
  let message = '';
  try {
    checkOidcSettings({ ...NO_OIDC, ...settings }, env);
  } catch (error) {
    message = messageOf(error);
  }
  if (problem === '') expect(message).toBe('');
  else expect(message).toStartWith(problem);
});
