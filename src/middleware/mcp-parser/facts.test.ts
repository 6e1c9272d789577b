import { expect, test } from 'bun:test';
import { type RequestContext, readMessage } from '../../proxy/index.ts';
import { createFacts } from './facts.ts';
import { putBody } from './put-body.ts';

function factsOf(method: string, params?: unknown, id: unknown = 1) {
  const message = readMessage(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  if (message === undefined || message.kind === 'response') throw new Error('no request');
  return createFacts(message);
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

test.each([
  ['a call', 'tools/call', { name: 'echo', arguments: { name: 'inner' } }, 'echo'],
  ['a name with escapes', 'tools/call', { name: 'é"\n' }, 'é"\n'],
  ['a call of no name', 'tools/call', { name: '' }, undefined],
  ['a call of a number', 'tools/call', { name: 7 }, undefined],
  ['a call with a list', 'tools/call', ['echo'], undefined],
  ['a call of nothing', 'tools/call', undefined, undefined],
  ['a prompt of that name', 'prompts/get', { name: 'echo' }, undefined],
])('the tool of %s', (_, method, params, tool) => {
  expect(factsOf(method, params).tool).toBe(tool);
});

test('parameters are parsed once', () => {
  const facts = factsOf('tools/call', { name: 'echo', arguments: { a: 1 } });
  expect(facts.arguments).toBe(facts.arguments);
});

test('the context has facts about requests and notifications only, and those of the body put last', () => {
  const context: RequestContext = { path: '/', remoteAddress: '', keepOpen() {}, letGo() {} };
  const put = (text: string) => {
    putBody(context, { content: text, text, message: readMessage(text) });
    return context.message?.tool;
  };
  const call = (name: string) => `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"${name}"}}`;
  expect([put(call('a')), put(call('b')), context.message?.id]).toEqual(['a', 'b', undefined]);
  for (const text of ['{"jsonrpc":"2.0","id":1,"result":{}}', '[]']) {
    put(text);
    expect(context.message).toBeUndefined();
  }
});
