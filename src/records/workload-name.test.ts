import { describe, expect, test } from 'bun:test';
import {
  nameFromImage,
  parseNewWorkloadName,
  parseWorkloadName,
  sanitizeWorkloadName,
} from './workload-name.ts';

describe('parseWorkloadName', () => {
  test.each([
    ['', 'workload name cannot be empty'],
    ['a\0b', 'workload name contains null bytes'],
    ['a//b', 'workload name requires path normalization'],
    ['../x', 'workload name contains path traversal'],
    ['/etc/passwd', 'workload name cannot be an absolute path'],
    ['a;b', 'workload name contains potentially dangerous characters'],
    ['a b', 'workload name can only contain alphanumeric characters, dots, hyphens, and underscores'],
    ['ä', 'workload name can only contain alphanumeric characters, dots, hyphens, and underscores'],
    ['x'.repeat(101), 'workload name too long (max 100 characters)'],
  ])('%j is refused: %s', (name, reason) => {
    expect(() => parseWorkloadName(name)).toThrow(`invalid workload name '${name}': ${reason}`);
  });

  test.each(['a', 'fetch', 'a.b_c-D9', 'x'.repeat(100)])('%j is accepted', (name) => {
    expect(String(parseWorkloadName(name))).toBe(name);
  });

  test.each(['a', '.a', '-a', '_a'])('%j is refused for a new workload, as engines refuse it', (name) => {
    expect(() => parseNewWorkloadName(name)).toThrow(`invalid workload name '${name}'`);
  });

  test('the name of the workload host is refused: their logs would be one file', () => {
    expect(() => parseNewWorkloadName('thv-host')).toThrow(
      "invalid workload name 'thv-host': workload name is reserved: the log of the workload host has it",
    );
  });
});

test.each([
  ['test workload', 'test-workload'],
  ['../test', '---test'],
  ['/etc/passwd', 'etc-passwd'],
  ['test; rm -rf /', 'test--rm--rf-'],
  ['test@workload!', 'test-workload-'],
  ['', 'workload'],
])('sanitizeWorkloadName repairs %j to %j', (name, expected) => {
  expect(String(sanitizeWorkloadName(name))).toBe(expected);
});

test.each([
  ['nginx:latest', 'nginx'],
  ['docker.io/library/nginx:latest', 'library-nginx'],
  ['quay.io/stacklok/mcp-server:v1', 'stacklok-mcp-server'],
  ['a/b/c/d:foo', 'c-d'],
  ['foo/bar@sha256:abcdef', 'foo-bar-sha256'],
  ['localhost:5000/image:latest', 'localhost-image'],
  ['my$image:latest', 'my-image'],
  ['ghcr.io/github/github-mcp-server:v1', 'github-github-mcp-server'],
  ['mcp/fetch', 'mcp-fetch'],
])('nameFromImage(%j) is %j', (image, expected) => {
  expect(nameFromImage(image)).toBe(expected);
});
