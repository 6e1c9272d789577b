import { expect, test } from 'bun:test';
import { acceptsJson } from './accept.ts';

test.each([
  [null, true],
  ['application/json', true],
  ['text/event-stream, application/json', true],
  ['text/event-stream;q=0.9, Application/JSON; charset=utf-8;q=0.1', true],
  ['text/event-stream, */*;q=0.1', true],
  ['application/*', true],
  ['', false],
  ['text/event-stream', false],
  ['application/jsonl', false],
])('%j: %p', (accept, expected) => {
  expect(acceptsJson(accept)).toBe(expected);
});
