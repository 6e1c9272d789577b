import { describe, expect, test } from 'bun:test';
import { runEnvironmentFrom, secretsOnly, withoutSecrets } from './environment.ts';

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
});
