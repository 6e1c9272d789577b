import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { parseImageReference } from '../engine/index.ts';
import { keysFor, parseImageScope, parsePublicKeys } from './image-keys.ts';

const pem = (type: 'ec' | 'ed25519' | 'rsa' | 'x25519') => {
  const options = { namedCurve: 'P-256', modulusLength: 2048 };
  const { publicKey, privateKey } = generateKeyPairSync(type as 'ec', options);
  const [spki, pkcs8] = [
    publicKey.export({ type: 'spki', format: 'pem' }),
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
  ];
  return { publicPem: String(spki), privatePem: String(pkcs8) };
};

test.each([
  ['registry.example.com', 'registry.example.com/'],
  ['registry.example.com/', 'registry.example.com/'],
  ['localhost:5000', 'localhost:5000/'],
  ['registry.example.com/team/', 'registry.example.com/team/'],
  ['registry.example.com/team/server', 'registry.example.com/team/server'],
  ['team/', 'docker.io/team/'],
  ['redis', 'docker.io/library/redis'],
  ['index.docker.io/team/server', 'docker.io/team/server'],
])('the images %s are stored as %s', (text, scope) => {
  expect(parseImageScope(text)).toBe(scope);
  expect(parseImageScope(scope)).toBe(scope);
});

test.each([
  '',
  '/',
  'registry.example.com/team/server:1',
  `a/b@sha256:${'a'.repeat(64)}`,
  'a/../b',
  'https://a.b/c',
  'UPPER/case',
])('the images %p are refused', (text) => {
  expect(() => parseImageScope(text)).toThrow(`invalid images "${text}": `);
});

describe('public keys', () => {
  test('ECDSA, RSA and Ed25519, several in one file', () => {
    const keys = [pem('ec'), pem('rsa'), pem('ed25519')].map(({ publicPem }) => publicPem);
    expect(parsePublicKeys(`a comment\n${keys.join('\n')}`, 'cosign.pub')).toEqual(keys);
  });

  test.each([
    ['no key', 'hello', 'no PEM data found'],
    ['a private key', pem('ec').privatePem, 'it is a private key'],
    ['a key that cannot sign', pem('x25519').publicPem, 'keys of type x25519 cannot be used'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----', 'it is a certificate'],
    [
      'a broken key',
      '-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----',
      'invalid public key cosign.pub: ',
    ],
  ])('%s is refused', (_, text, reason) => {
    expect(() => parsePublicKeys(text, 'cosign.pub')).toThrow(reason);
  });
});

test.each([
  ['registry.example.com/team/server:1', ['exact']],
  ['registry.example.com/team/other:1', ['team']],
  ['registry.example.com/teams/server:1', ['registry']],
  ['registry.example.com.evil.test/team/server:1', undefined],
  ['other.example.com/team/server:1', undefined],
  ['hub/server', ['hub']],
])('%s is signed with %j', (image, expected) => {
  const keys = {
    'registry.example.com/': ['registry'],
    'registry.example.com/team/': ['team'],
    'registry.example.com/team/server': ['exact'],
    // Written by hand, in the user's own words.
    'hub/': ['hub'],
  };
  expect(keysFor(parseImageReference(image), keys)).toEqual(expected);
});
