import { expect, test } from 'bun:test';
import { readMessage } from '../json-rpc/index.ts';
import { withEnvelope } from './envelope.ts';

const INITIALIZE =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}';
const KEY = 'io.modelcontextprotocol/';
const SAID = {
  [`${KEY}protocolVersion`]: '2026-07-28',
  [`${KEY}clientInfo`]: { name: 'c', version: '1' },
  // Questions cannot come to it as results.
  [`${KEY}clientCapabilities`]: {},
};

test.each([
  ['no params', '{ "jsonrpc":"2.0","id":9007199254740993,"method":"m"}', { _meta: SAID }],
  ['empty params', '{"jsonrpc":"2.0","id":1,"method":"m","params":{ }}', { _meta: SAID }],
  ['params', '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}', { _meta: SAID, a: 1 }],
  ['empty _meta', '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{}}}', { _meta: SAID }],
  [
    'other members of _meta',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":"p"},"a":1}}',
    { _meta: { ...SAID, progressToken: 'p' }, a: 1 },
  ],
  [
    'one of its own members',
    `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"${KEY}clientInfo":{"name":"own"}}}}`,
    { _meta: { ...SAID, [`${KEY}clientInfo`]: { name: 'own' } } },
  ],
])('a request with %s', (_, text, params) => {
  const request = readMessage(text);
  if (request?.kind !== 'request') throw new Error('no request');
  const made = withEnvelope(request, INITIALIZE);
  expect(JSON.parse(made.text).params).toEqual(params);
  expect(made.text.slice(made.id.start, made.id.end)).toBe(text.slice(request.id.start, request.id.end));
});

test('nothing known of the client', () => {
  const request = readMessage('{"jsonrpc":"2.0","id":1,"method":"m"}');
  if (request?.kind !== 'request') throw new Error('no request');
  expect(JSON.parse(withEnvelope(request, '').text).params._meta).toEqual({
    ...SAID,
    [`${KEY}clientInfo`]: { name: 'toolhive', version: '1.0' },
  });
});
