import { expect, test } from 'bun:test';
import { parsePublish } from './publish.ts';

test.each([
  ['8080:80', '8080', '80'],
  ['80', '', '80'],
])('%j publishes host port %j to %j', (spec, hostPort, containerPort) => {
  expect(parsePublish(spec)).toEqual({ hostPort, containerPort });
});

test.each([
  ['', "invalid port specification:  (expected 'hostPort:containerPort' or 'containerPort')"],
  ['1:2:3', "invalid port specification: 1:2:3 (expected 'hostPort:containerPort' or 'containerPort')"],
  ['a:80', "invalid host port in spec 'a:80': a"],
  [':80', "invalid host port in spec ':80': "],
  ['80:b', "invalid container port in spec '80:b': b"],
  ['80:70000', "invalid container port in spec '80:70000': 70000"],
  ['0', "invalid container port in spec '0': 0"],
])('%j is refused', (spec, message) => {
  expect(() => parsePublish(spec)).toThrow(message);
});
