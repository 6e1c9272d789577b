import { describe, expect, test } from 'bun:test';
import { createBodyLimit, DEFAULT_MAX_BYTES } from './body-limit.ts';

const context = { path: '/', remoteAddress: '', keepOpen() {}, letGo() {} };
const LIMIT = 100_000;

/** A real server: whether a body comes with its length or in chunks is a matter of the wire. */
function openServer(parameters: unknown) {
  const limit = createBodyLimit(parameters);
  let read = 0;
  const server = Bun.serve({
    port: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request) =>
      limit(request, context, async (inner) => {
        try {
          read += (await inner.text()).length;
        } catch (error) {
          return new Response(String(error), { status: 500 });
        }
        return new Response(`${inner.method} ${inner.headers.get('x-test')} ${read}`);
      }),
  });
  return { url: server.url, [Symbol.asyncDispose]: () => server.stop(true) };
}

function chunked(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, 7000);
      if (size > 0) controller.enqueue(new Uint8Array(size).fill(0x61));
      left -= size;
      if (left === 0) controller.close();
    },
  });
}

describe('body limit', () => {
  test.each([
    ['announced, at the limit', 'x'.repeat(LIMIT), 200],
    ['announced, above', 'x'.repeat(LIMIT + 1), 413],
    ['chunked, at the limit', () => chunked(LIMIT), 200],
    ['chunked, above', () => chunked(LIMIT + 1), 413],
    ['chunked, far above', () => chunked(LIMIT * 50), 413],
    ['empty', '', 200],
  ])('%s', async (_, body, expected) => {
    await using server = openServer({ max_bytes: LIMIT });
    const headers = { 'X-Test': 'kept' };
    const content = typeof body === 'string' ? body : body();
    const response = await fetch(server.url, { method: 'POST', headers, body: content });
    const text = await response.text();
    expect(response.status).toBe(expected);
    if (expected === 413) expect(text).toBe('Request Entity Too Large\n');
    else expect(text).toStartWith('POST kept ');
  });

  test.each([{ max_bytes: 0 }, { max_bytes: -1 }, {}, null])('%p means the default', async (parameters) => {
    const limit = createBodyLimit(parameters);
    const ask = async (bytes: number) => {
      const request = new Request('http://x', {
        method: 'POST',
        headers: { 'Content-Length': String(bytes) },
      });
      return (await limit(request, context, () => new Response('through'))).status;
    };
    expect([await ask(DEFAULT_MAX_BYTES), await ask(DEFAULT_MAX_BYTES + 1)]).toEqual([200, 413]);
  });
});
