import { describe, expect, test } from 'bun:test';
import { resolveRuntimeSettings } from './runtime-settings.ts';

describe('resolveRuntimeSettings', () => {
  test('defaults of each scheme', () => {
    const images = (['uvx', 'npx', 'go'] as const).map((scheme) => {
      const { builderImage, finalImage, packages } = resolveRuntimeSettings(scheme, {});
      return [builderImage, finalImage, packages.join(' ')];
    });
    const alpine =
      'index.docker.io/library/alpine:3.23@sha256:5b10f432ef3da1b8d4c7eb6c487f2f5a8f096bc91145e68878dd4a5019afde11';
    expect(images).toEqual([
      ['python:3.14-slim', 'python:3.14-slim', 'ca-certificates git'],
      ['node:24-alpine', 'node:24-alpine', 'git ca-certificates'],
      ['golang:1.26-alpine', alpine, 'ca-certificates git'],
    ]);
  });

  test('flags over config file over defaults (B14)', () => {
    const settings = resolveRuntimeSettings('uvx', {
      file: {
        builder_image: 'python:3.12-slim',
        additional_packages: ['curl', 'git'],
        build_with: ['mcp<1'],
        runtime_env: { A: 'file', B: 'file' },
      },
      flags: {
        builder_image: '',
        additional_packages: ['jq'],
        build_with: ['mcp<2'],
        runtime_env: { B: 'flag' },
      },
    });
    expect(settings).toEqual({
      builderImage: 'python:3.12-slim',
      finalImage: 'python:3.12-slim',
      packages: ['ca-certificates', 'git', 'curl', 'jq'],
      buildWith: ['mcp<2'],
      environment: { A: 'file', B: 'flag' },
    });
  });

  test('the image that runs a Go server can be another', () => {
    const { builderImage, finalImage } = resolveRuntimeSettings('go', {
      file: { final_image: 'registry.example/base:1' },
      flags: { builder_image: 'golang:1.25' },
    });
    expect([builderImage, finalImage]).toEqual(['golang:1.25', 'registry.example/base:1']);
  });

  test('everything that is wrong is told at once', () => {
    const long = 'a'.repeat(129);
    expect(() =>
      resolveRuntimeSettings('npx', {
        flags: {
          builder_image: ' ',
          final_image: 'alpine',
          additional_packages: ['ok', '-x', 'a b', 'a;b', long],
          build_with: ['mcp<2', "mcp'", long],
          runtime_env: { lower: 'x', PATH: 'x', GOOD: 'fine', BAD: 'a`b' },
        },
      }),
    ).toThrow(
      [
        'invalid runtime configuration: builder_image is blank after trimming whitespace',
        'final_image is not supported for npx:// builds (only go://)',
        'invalid package name "-x": must match ^[a-zA-Z0-9][a-zA-Z0-9._+\\-]*$',
        'invalid package name "a b": must match ^[a-zA-Z0-9][a-zA-Z0-9._+\\-]*$',
        'invalid package name "a;b": must match ^[a-zA-Z0-9][a-zA-Z0-9._+\\-]*$',
        `package name "${long}" exceeds maximum length of 128 characters`,
        'build_with is not supported for npx:// builds (only uvx://)',
        'invalid build_with specifier "mcp\'": must match ^[A-Za-z0-9][A-Za-z0-9._+\\[\\],<>=!~* -]*$',
        `build_with specifier "${long}" exceeds maximum length of 128 characters`,
        'invalid runtime env key "lower": must match ^[A-Z][A-Z0-9_]*$',
        'runtime env key "PATH" is reserved and cannot be overridden',
        'runtime env value for key "BAD" contains potentially dangerous characters: "`"',
      ].join('\n'),
    );
  });

  test.each([
    [
      'one\nRUN id',
      'invalid runtime configuration: invalid builder_image "one\nRUN id": failed to parse image',
    ],
    [
      'Has Spaces',
      'invalid runtime configuration: invalid builder_image "Has Spaces": failed to parse image',
    ],
  ])('builder image %j', (image, message) => {
    expect(() => resolveRuntimeSettings('go', { flags: { builder_image: image } })).toThrow(message);
  });

  test('a fault of the config file says so', () => {
    expect(() => resolveRuntimeSettings('go', { file: { build_with: ['x'] } })).toThrow(
      'invalid runtime config in config file for go: build_with is not supported for go:// builds (only uvx://)',
    );
  });
});
