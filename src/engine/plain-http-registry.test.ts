import { describe, expect, test } from 'bun:test';
import { isLoopbackRegistry, isPlainHttpRegistry } from './plain-http-registry.ts';

describe('isLoopbackRegistry', () => {
  test.each([
    ['localhost', true],
    ['localhost:5000', true],
    ['127.0.0.1:5000', true],
    ['127.9.9.9', true],
    ['[::1]:5000', true],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
    ['10.0.0.1:5000', false],
    ['docker.io', false],
  ])('%s: %p', (registry, expected) => {
    expect(isLoopbackRegistry(registry)).toBe(expected);
  });
});

describe('isPlainHttpRegistry', () => {
  const info = {
    RegistryConfig: {
      InsecureRegistryCIDRs: ['127.0.0.0/8', '10.1.0.0/16', 'fd00::/8'],
      IndexConfigs: {
        'docker.io': { Secure: true },
        'plain.example:5000': { Secure: false },
        prefix: { Secure: false },
      },
    },
  };
  test.each([
    ['docker.io', false],
    ['plain.example:5000', true],
    ['plain.example', false],
    ['prefix:7000', true],
    ['10.1.2.3:5000', true],
    ['10.2.2.3:5000', false],
    ['[fd00::1]:5000', true],
    ['ghcr.io', false],
  ])('%s: %p', (registry, expected) => {
    expect(isPlainHttpRegistry(registry, info)).toBe(expected);
  });

  test.each([[{}], [{ RegistryConfig: null }], [{ RegistryConfig: { IndexConfigs: null } }]])(
    'an engine that says nothing is taken to protect: %p',
    (silent) => {
      expect(isPlainHttpRegistry('10.0.0.1:5000', silent)).toBe(false);
    },
  );
});
