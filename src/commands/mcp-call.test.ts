import { describe, expect, test } from 'bun:test';
import { parseToolArguments } from './mcp-call.ts';
import { transportsToTry } from './mcp-client.ts';

test('tool arguments are a JSON object', () => {
  expect(parseToolArguments(' {"a": [1]} ')).toEqual({ a: [1] });
});

test.each([
  ['[1]', 'tool arguments must be a JSON object, got array'],
  ['"x"', 'tool arguments must be a JSON object, got string'],
  ['0', 'tool arguments must be a JSON object, got number'],
  ['false', 'tool arguments must be a JSON object, got boolean'],
  ['null', 'tool arguments must be a JSON object, got null'],
])('%s is refused', (text, message) => {
  expect(() => parseToolArguments(text)).toThrow(new Error(message));
});

test.each([[''], ['{'], ['{"a":}']])('%j is no JSON', (text) => {
  expect(() => parseToolArguments(text)).toThrow(/^failed to parse tool arguments as JSON: /);
});

describe('transports to try', () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ['auto', 'http://h/sse', ['streamable-http', 'sse']],
    ['sse', 'http://h/mcp', ['sse']],
    ['streamable-http', 'http://h/sse', ['streamable-http']],
    ['http', 'http://h/mcp', ['streamable-http']],
    ['http', 'http://h/x/sse#name', ['sse']],
    ['', 'http://h/', ['streamable-http']],
  ];
  test.each(rows)('%s to %s', (transport, url, expected) => {
    expect(transportsToTry(transport, new URL(url)) as readonly string[]).toEqual(expected);
  });
});
