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
  const rewriter = createEndpointRewriter({ rewrite: (url) => `/p${url}`, onSession: () => {} });
  const out = chunks.map((chunk) => Buffer.from(rewriter.push(chunk)));
  return Buffer.concat([...out, rewriter.flush()]).toString();
}

describe('the endpoint event', () => {
  test.each([
    ['LF', ': é\n\nevent: endpoint\ndata: /m?x\n\nevent: message\ndata: /n\n\n', 'data: /m?x'],
    ['CRLF', ':\r\n\r\nevent:endpoint\r\ndata:/m?x\r\n\r\nevent: a\r\ndata: /n\r\n\r\n', 'data:/m?x'],
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

  test('spec 04 §19.6: follows an event of 5 MiB, which passes as it comes', () => {
    const long = `event: message\ndata: ${'x'.repeat(5 * 1024 * 1024)}\r\n\r\n`;
    const text = `${long}event: endpoint\ndata: /m?x\n\n`;
    const bytes = Buffer.from(text);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 65_521) chunks.push(bytes.subarray(at, at + 65_521));
    expect(rewriteAll(chunks) === text.replace('/m?x', '/p/m?x')).toBe(true);
    for (const cut of [long.length - 4, long.length - 3, long.length - 2, long.length - 1, long.length])
      expect(
        rewriteAll([bytes.subarray(0, cut), bytes.subarray(cut)]) === text.replace('/m?x', '/p/m?x'),
      ).toBe(true);
  });

  test('§8.5: names the session, as sessionId, session_id or in JSON', () => {
    const named: string[] = [];
    for (const line of [
      'data: /messages?sessionId=ab-12',
      'data: /messages/?session_id=cd34&x=1',
      'data: {"sessionId":"ef-56"}',
      'event: sessionId=no',
    ]) {
      const rewriter = createEndpointRewriter({ rewrite: (url) => url, onSession: (id) => named.push(id) });
      rewriter.push(Buffer.from(`event: message\n${line}\n\ndata: ?sessionId=later\n\n`));
    }
    expect(named).toEqual(['ab-12', 'cd34', 'ef-56', 'later']);
  });
});
