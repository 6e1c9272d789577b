import { expect, test } from 'bun:test';
import { compareImages } from './check-upgrade.ts';

test.each([
  ['example/a:1.0.0', 'example/a:1.0.1', 'upgrade-available', undefined],
  ['example/a:v1.9.0', 'example/a:1.10.0', 'upgrade-available', undefined],
  ['example/a:1.0.0-rc.1', 'example/a:V1.0.0', 'upgrade-available', undefined],
  ['docker.io/example/a:1.0.0', 'example/a:1.0.1', 'upgrade-available', undefined],
  ['example/a:1.0.1', 'example/a:1.0.0', 'up-to-date', undefined],
  ['example/a:v1.0.0', 'example/a:1.0.0', 'up-to-date', undefined],
  ['example/a:edge', 'example/a:edge', 'up-to-date', undefined],
  ['example/a:edge', 'example/a:1.0.0', 'unknown', 'tags are not versions'],
  ['example/a:1.0.0', 'example/b:1.0.1', 'unknown', 'repositories differ'],
  ['example/a:1.0.0', 'ghcr.io/example/a:1.0.1', 'unknown', 'repositories differ'],
  ['example/a', 'example/a:1.0.1', 'unknown', 'the tag latest says nothing about the version'],
  ['example/a:latest', 'example/a:latest', 'unknown', 'the tag latest says nothing about the version'],
  [`example/a@sha256:${'0'.repeat(64)}`, 'example/a:1.0.1', 'unknown', 'images are named by digest'],
  ['NOT AN IMAGE', 'example/a:1.0.1', 'unknown', 'image references cannot be parsed'],
] as const)('from %s to %s: %s', (current, candidate, status, reason) => {
  expect(compareImages(current, candidate)).toEqual(reason === undefined ? { status } : { status, reason });
});
