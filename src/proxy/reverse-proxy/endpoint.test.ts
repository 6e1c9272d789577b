import { describe, expect, test } from 'bun:test';
import { publicEndpoint } from './endpoint-url.ts';
import { createEndpointRewriter } from './rewrite-endpoint.ts';

const TARGET = new URL('http://127.0.0.1:4711');
const PUBLIC = { host: 'public.example.com', scheme: 'https' };

describe('the announced endpoint', () => {
  test.each([
    ['prefix', '/sse?sessionId=abc', { prefix: '/playwright' }, '/playwright/sse?sessionId=abc'],
    ['prefix without slash', '/sse?sessionId=abc', { prefix: 'playwright' }, '/playwright/sse?sessionId=abc'],
    ['prefix with two', '/sse?sessionId=abc', { prefix: '/playwright/' }, '/playwright/sse?sessionId=abc'],
    [
      'foreign URL, prefix',
      'http://backend:8080/sse?x=1',
      { prefix: '/playwright' },
      'http://backend:8080/playwright/sse?x=1',
    ],
    [
      'foreign URL, public place',
      'http://backend:8080/sse?x=1',
      { prefix: '/playwright', ...PUBLIC },
      'https://public.example.com/playwright/sse?x=1',
    ],
    ['relative, scheme without host', '/sse?x=1', { scheme: 'http' }, '/sse?x=1'],
    ['relative, nothing', '/messages/?session_id=1', {}, '/messages/?session_id=1'],
    ['foreign URL, nothing', 'http://backend:8080/sse?x=1', {}, 'http://backend:8080/sse?x=1'],
    ['the server itself', 'http://127.0.0.1:4711/messages?x=1', {}, '/messages?x=1'],
    ['the server as its container sees it', 'http://localhost:8080/messages?x=1', {}, '/messages?x=1'],
    ['the server itself, prefix', 'http://127.0.0.1:4711/messages', { prefix: '/p' }, '/p/messages'],
    ['the server itself, public place', 'http://127.0.0.1:4711/m', PUBLIC, 'https://public.example.com/m'],
    ['a name that only begins like it', 'http://localhost.evil/m', {}, 'http://localhost.evil/m'],
  ])('%s', (_, announced, place, expected) => {
    expect(
      publicEndpoint(announced, { prefix: '', host: undefined, scheme: undefined, ...place }, TARGET),
    ).toBe(expected);
  });
});

function rewriteAll(chunks: readonly Uint8Array[]): string {
  const rewriter = createEndpointRewriter((url) => `/p${url}`);
  const out = chunks.map((chunk) => (rewriter.done ? chunk : rewriter.push(chunk)));
  return Buffer.concat([...out, rewriter.flush()]).toString();
}

describe('the endpoint event', () => {
  test.each([
    ['LF', ': é\n\nevent: endpoint\ndata: /m?x\n\nevent: message\ndata: /n\n\n', 'data: /m?x'],
    ['CRLF', ':\r\n\r\nevent:endpoint\r\ndata:/m?x\r\n\r\nevent: endpoint\r\ndata: /n\r\n\r\n', 'data:/m?x'],
    ['CR', ': a\r\revent: endpoint\rdata: /m?x\r\revent: message\rdata: /n\r\r', 'data: /m?x'],
    ['data first', 'data: /m?x\nevent: endpoint\n\n', 'data: /m?x'],
    ['no endpoint', 'event: message\ndata: /m?x\n\nevent: endpoints\ndata: /n\n\n', undefined],
    ['never finished', 'event: endpoint\ndata: /m?x\n', undefined],
    [
      'byte order mark and binary',
      '\ufeffevent: a\ndata: \u0000\n\nevent: endpoint\ndata: /m?x\n\n',
      'data: /m?x',
    ],
  ])('%s: is changed at every cut, and nothing else', (_, text, line) => {
    const bytes = Buffer.from(text);
    const expected = line === undefined ? text : text.replace(line, line.replace('/m', '/p/m'));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(rewriteAll([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(expected);
    }
    expect(rewriteAll([...bytes].map((byte) => Uint8Array.of(byte)))).toBe(expected);
  });

  test('is not looked for in an event without end', () => {
    const rewriter = createEndpointRewriter((url) => url);
    const held = rewriter.push(Buffer.alloc(40_000, 'x'));
    expect([held.byteLength, rewriter.done]).toEqual([0, false]);
    expect(rewriter.push(Buffer.alloc(40_000, 'x')).byteLength).toBe(80_000);
    expect(rewriter.done).toBe(true);
  });
});
