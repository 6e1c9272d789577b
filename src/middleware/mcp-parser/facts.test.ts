import { expect, test } from 'bun:test';
import { readMessage } from '../../proxy/index.ts';
import { readFacts } from './facts.ts';
import { McpBody } from './mcp-body.ts';

function factsOf(method: string, params?: unknown, id: unknown = 1) {
  const message = readMessage(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  if (message === undefined || message.kind === 'response') throw new Error('no request');
  return readFacts(message);
}

const CLIENT = { clientInfo: { name: 'c' } };

test.each([
  ['initialize', CLIENT, 'c', CLIENT],
  ['tools/call', { name: 'echo', arguments: { a: 1 } }, 'echo', { a: 1 }],
  ['tools/call', { name: 7, arguments: [1] }, '', undefined],
  ['prompts/get', { name: 'p' }, 'p', undefined],
  ['resources/read', { uri: 'file:///x' }, 'file:///x', undefined],
  ['tools/list', { cursor: 'n' }, 'n', undefined],
  ['tools/list', undefined, '', undefined],
  ['logging/setLevel', { level: 'error' }, 'error', undefined],
  ['completion/complete', { ref: { name: 'r', uri: 'u' } }, 'r', { ref: { name: 'r', uri: 'u' } }],
  ['completion/complete', { ref: { uri: 'u' } }, 'u', { ref: { uri: 'u' } }],
  ['completion/complete', { ref: 'plain' }, 'plain', { ref: 'plain' }],
  ['sampling/createMessage', { modelPreferences: { hints: [{ name: 'h' }] } }, 'h', undefined],
  ['sampling/createMessage', { systemPrompt: `${'a'.repeat(49)}ö` }, 'a'.repeat(49), undefined],
  ['tasks/get', { taskId: 12 }, '12', undefined],
  ['notifications/progress', { progressToken: 'p' }, 'p', { progressToken: 'p' }],
  ['notifications/cancelled', { requestId: 3 }, '3', { requestId: 3 }],
  ['ping', undefined, 'ping', undefined],
  ['server/discover', {}, 'discover', undefined],
  ['something/else', { name: 'x' }, '', undefined],
] as const)('%s of %j is about %j', (method, params, resourceId, args) => {
  const facts = factsOf(method, params);
  expect(facts.resourceId).toBe(resourceId);
  if (args !== undefined) expect<unknown>(facts.arguments).toEqual(args);
});

test('who asks, and in which revision', () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'c' },
  };
  expect(factsOf('tools/list', { _meta: meta }, 'a')).toMatchObject({
    id: '"a"',
    meta,
    protocolVersion: '2026-07-28',
    clientInfo: { name: 'c' },
  });
  expect(factsOf('tools/list', { _meta: [] })).toMatchObject({ meta: undefined, protocolVersion: undefined });
});

test('are made once, and of requests and notifications only', () => {
  const bodyOf = (text: string) => new McpBody(text, text, readMessage(text));
  const body = bodyOf('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}');
  expect(body.facts?.resourceId).toBe('echo');
  expect(body.facts).toBe(body.facts);
  expect(bodyOf('{"jsonrpc":"2.0","id":1,"result":{}}').facts).toBeUndefined();
  expect(bodyOf('[]').facts).toBeUndefined();
});
