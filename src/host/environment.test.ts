import { describe, expect, test } from 'bun:test';
import { runEnvironmentFrom, secretsOnly, shellOf, withoutSecrets } from './environment.ts';

describe('what a run keeps of its shell', () => {
  const env = {
    HOME: '/home/me',
    EDITOR: 'vi',
    HTTP_PROXY: 'http://proxy:3128',
    https_proxy: 'http://me:word@proxy:3128',
    NO_PROXY: 'localhost',
    TOOLHIVE_SECRET_key: 'open sesame',
    TOOLHIVE_SECRETS_PASSWORD: 'open sesame',
    TOOLHIVE_SECRETS_PROVIDER: 'environment',
    OP_SERVICE_ACCOUNT_TOKEN: 'open sesame',
  };
  const { EDITOR: _, ...travels } = env;
  const secret = {
    https_proxy: env.https_proxy,
    TOOLHIVE_SECRET_key: 'open sesame',
    TOOLHIVE_SECRETS_PASSWORD: 'open sesame',
    OP_SERVICE_ACCOUNT_TOKEN: 'open sesame',
  };

  test('is what it depends on', () => {
    expect(runEnvironmentFrom(env)).toEqual(travels);
  });

  test('is written down but for secrets, a proxy with a password among them', () => {
    expect(secretsOnly(travels)).toEqual(secret);
    expect({ ...withoutSecrets(travels), ...secret }).toEqual(travels);
    expect(Object.keys(withoutSecrets(travels))).toEqual([
      'HOME',
      'HTTP_PROXY',
      'NO_PROXY',
      'TOOLHIVE_SECRETS_PROVIDER',
    ]);
  });

  test.each([
    ['a folder of programs', 'PATH', '/a/bin:/b', false],
    ['certificates of Node', 'NODE_EXTRA_CA_CERTS', '/ca.pem', false],
    ['certificates of OpenSSL', 'SSL_CERT_FILE', '/ca.pem', false],
    ['certificates of Python', 'REQUESTS_CA_BUNDLE', '/ca.pem', false],
    ['a registry', 'npm_config_registry', 'https://npm.example.com', false],
    ['a registry with a login', 'UV_DEFAULT_INDEX', 'https://me:word@pypi.example.com', true],
    ['a login by name', 'UV_INDEX_CORP_PASSWORD', 'word', true],
    ['a token by name', 'npm_config__authToken', 'word', true],
    ['a module proxy with a login', 'GOPROXY', 'https://me:word@go.example.com', true],
    ['a proxy for all', 'ALL_PROXY', 'socks5://proxy:1080', false],
  ])('%s travels', (_, name, value, isSecret) => {
    expect(runEnvironmentFrom({ [name]: value })).toEqual({ [name]: value });
    expect(secretsOnly({ [name]: value })).toEqual(isSecret ? { [name]: value } : {});
  });
});

describe('the environment of what a run calls', () => {
  const own = {
    PATH: '/host',
    NODE_EXTRA_CA_CERTS: '/host.pem',
    https_proxy: 'http://host:1',
    LANG: 'C',
    EMPTY: undefined,
  };

  test.each([
    [
      'has what its shell has',
      { PATH: '/shell', SSL_CERT_FILE: '/s.pem' },
      { PATH: '/shell', SSL_CERT_FILE: '/s.pem', LANG: 'C' },
    ],
    ['has not what its shell has not', { PATH: '/shell' }, { PATH: '/shell', LANG: 'C' }],
    [
      'is that of the host for a record that knows no PATH',
      { HOME: '/me' },
      {
        PATH: '/host',
        NODE_EXTRA_CA_CERTS: '/host.pem',
        https_proxy: 'http://host:1',
        LANG: 'C',
        HOME: '/me',
      },
    ],
  ])('%s', (_, environment, expected) => expect(shellOf(environment, own)).toEqual(expected));
});
