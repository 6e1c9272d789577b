import { expect, test } from 'bun:test';
import { suggestSource } from './mistyped-source.ts';

const rows: readonly (readonly [text: string, expected: string | undefined])[] = [
  ['npx:/x', 'npx://x'],
  ['npx:@scope/x', 'npx://@scope/x'],
  ['npx://x', undefined],
  ['go:///home/x', undefined],
  ['NPX:/x', 'npx://x'],
  ['npm:x', 'npx://x'],
  ['npm:@scope/x@1.2.3', 'npx://@scope/x@1.2.3'],
  ['pip:mcp-server-time', 'uvx://mcp-server-time'],
  ['go:/example.com/cmd', 'go://example.com/cmd'],
  ['@scope/x', 'npx://@scope/x'],
  ['@scope/x@latest', 'npx://@scope/x@latest'],
  ['https:/mcp.example.com', 'https://mcp.example.com'],
  ['http:mcp.example.com', 'http://mcp.example.com'],
  ['npx:1.2', undefined],
  ['@scope', undefined],
  ['registry.example.com:5000/x', undefined],
  ['name@sha256:abc', undefined],
  ['', undefined],
];

test.each(rows)('%s', (text, expected) => {
  expect(suggestSource(text)).toBe(expected);
});
