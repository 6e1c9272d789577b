import { describe, expect, test } from 'bun:test';
import { readMessage } from '../proxy/index.ts';
import {
  cancelledKey,
  completeInitialize,
  modernHeaders,
  ownVersion,
  readError,
  versionInResult,
} from './message-facts.ts';
import { createToolHeaders } from './tool-headers.ts';

function requestOf(text: string) {
  const message = readMessage(text);
  if (message?.kind !== 'request') throw new Error(`no request: ${text}`);
  return message;
}

const DEFAULTS = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'toolhive-bridge', version: '0.1.0' },
};

describe('an initialize', () => {
  test.each([
    ['with empty params', '{"jsonrpc":"2.0","id":-1,"method":"initialize","params":{}}', DEFAULTS],
    ['without params', '{"jsonrpc":"2.0","id":-1,"method":"initialize"}', DEFAULTS],
    [
      'with some of them',
      '{"jsonrpc":"2.0","method":"initialize","params":{ "protocolVersion":"2024-11-05" },"id":-1}',
      { ...DEFAULTS, protocolVersion: '2024-11-05' },
    ],
  ])('%s gets what is required', (_, text, params) => {
    const completed = completeInitialize(requestOf(text));
    expect(JSON.parse(completed)).toEqual({ jsonrpc: '2.0', id: -1, method: 'initialize', params });
  });

  test('that is complete stays byte for byte', () => {
    const text = `{"jsonrpc":"2.0","id":1.0,"method":"initialize","params":${JSON.stringify(DEFAULTS)},"x":1e2}`;
    expect(completeInitialize(requestOf(text))).toBe(text);
  });
});

const VERSION = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';

test.each([
  ['tools/call', '"name":"echo"', { 'Mcp-Name': 'echo' }],
  ['tools/call', '"name":" blank "', { 'Mcp-Name': '=?base64?IGJsYW5rIA==?=' }],
  ['resources/read', '"uri":"file:///a"', { 'Mcp-Name': 'file:///a' }],
  ['tools/list', '"cursor":"x"', {}],
])('headers of %s with %s', (method, params, expected) => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${params},${VERSION}}}`;
  expect(modernHeaders(requestOf(text), createToolHeaders())).toEqual({
    'MCP-Protocol-Version': '2026-07-28',
    'Mcp-Method': method,
    ...expected,
  });
});

test('an older message has no such headers', () => {
  const message = requestOf('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}');
  expect([ownVersion(message), modernHeaders(message, createToolHeaders())]).toEqual([undefined, {}]);
});

test.each([
  ['{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\\u0061"}}', '"a"'],
  ['{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}', undefined],
  ['{"jsonrpc":"2.0","method":"notifications/progress","params":{"requestId":1}}', undefined],
])('%s cancels %p', (text, key) => {
  const message = readMessage(text);
  expect(message && cancelledKey(message)).toBe(key);
});

test.each([
  ['{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}', '2025-06-18'],
  ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}', undefined],
  ['{"jsonrpc":"2.0","method":"x"}', undefined],
])('the version in %s is %p', (text, version) => {
  expect(versionInResult(readMessage(text))).toBe(version);
});

test.each([
  [
    'the error of an answer',
    '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}',
    { code: -1, message: 'no' },
  ],
  ['an error without an id or a message', '{"error":{"code":0}}', { code: 0, message: '' }],
  ['no error in a result', '{"jsonrpc":"2.0","id":1,"result":{}}', undefined],
  ['no error without a number as its code', '{"error":{"code":"-1","message":"no"}}', undefined],
  ['no error that is a string', '{"error":"not found"}', undefined],
  ['no error in plain text', 'not found', undefined],
  ['no error in an empty body', '', undefined],
])('readError finds %s', (_, text, expected) => {
  expect(readError(text)).toEqual(expected);
});
