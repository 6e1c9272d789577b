import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { connectSse, connectStreamable, post, until } from './raw-client.ts';
import { openWorld } from './world.ts';

const LINE_BYTES = 64 * 1024 * 1024;

/** Opens a stream by hand and stops reading after the first bytes. */
async function openDeafStream(base: string, path: string, headers: string) {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const first = Promise.withResolvers<string>();
  let closed = false;
  socket.once('data', (bytes) => {
    socket.pause();
    first.resolve(bytes.toString());
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${headers}\r\n`);
  return { head: await first.promise, socket, isClosed: () => closed };
}

/** POSTs by hand and reads only when told to: until the end of the response. */
async function openDeafPost(base: string, session: string, message: object) {
  const { hostname, port } = new URL(base);
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  const socket = connect(Number(port), hostname);
  const opened = Promise.withResolvers<void>();
  let seen = '';
  socket.once('data', (bytes) => {
    seen += bytes;
    socket.pause();
    opened.resolve();
  });
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Accept: application/json, text/event-stream\r\nMcp-Session-Id: ${session}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await opened.promise;
  return {
    async readAll(): Promise<string> {
      const ended = Promise.withResolvers<void>();
      socket.on('end', () => ended.resolve());
      socket.on('data', (bytes) => {
        seen += bytes;
      });
      socket.resume();
      await ended.promise;
      socket.destroy();
      return seen;
    },
  };
}

describe('a client that does not read', () => {
  test('costs neither memory nor the others anything', async () => {
    await using world = await openWorld({
      streamLimits: { dropAboveBytes: 1024 * 1024, closeAboveBytes: 8 * 1024 * 1024 },
    });
    const deaf = await connectStreamable(world.base);
    const { socket } = await openDeafStream(world.base, '/mcp', `Mcp-Session-Id: ${deaf.session}\r\n`);
    const healthy = await connectStreamable(world.base);
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 20; round += 1) {
      const { message } = await healthy.call('flood', { count: 50, bytes: 100_000 });
      expect(message.result.content[0].text).toBe('flooded');
    }
    Bun.gc(true);
    // 100 MB were sent towards it.
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
    expect((await deaf.call('echo', { text: 'x' })).status).toBe(200);
    socket.destroy();
  });

  test('is cut off when answers pile up that it must not miss', async () => {
    await using world = await openWorld({
      streamLimits: { dropAboveBytes: 256 * 1024, closeAboveBytes: 1024 * 1024 },
    });
    const { head, socket } = await openDeafStream(world.base, '/sse', '');
    const endpoint = /data: (\S+)/.exec(head)?.[1] ?? '';
    let status = 0;
    for (let id = 0; id < 30 && status !== 404; id += 1) {
      const params = { name: 'big', arguments: { bytes: 1_000_000 } };
      ({ status } = await post(endpoint, { id, method: 'tools/call', params }));
      await Bun.sleep(10);
    }
    expect(status).toBe(404);
    socket.destroy();
  });
});

describe('a process that does not read (spec 04 §19.5)', () => {
  test('gets a bounded queue; what does not fit is refused with a hint to come again', async () => {
    const queueLimits = { messages: 3, bytes: 1024 * 1024 };
    await using world = await openWorld({ fixture: undefined, queueLimits, attachWaitMs: 2000 });
    const url = `${world.base}/mcp`;
    const waiting = [1, 2, 3].map((id) => post(url, { id, method: 'tools/list' }));
    await Bun.sleep(50);
    const refused = await post(url, { id: 4, method: 'tools/list' });
    expect([refused.status, refused.headers.get('retry-after'), refused.message.id]).toEqual([503, '1', 4]);
    const notification = await post(url, { method: 'notifications/x' });
    expect([notification.status, notification.message.id]).toEqual([503, undefined]);
    world.attach('toolbox', 'first');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post(url, { id: 5, method: 'tools/list' })).status).toBe(200);
  });

  test('receives everything, in order, once it reads', async () => {
    await using world = await openWorld({ fixture: 'slow-start', args: ['500'] });
    const text = 'x'.repeat(500_000);
    const url = `${world.base}/mcp`;
    const calls = Array.from({ length: 20 }, (_, id) =>
      post(url, { id, method: 'tools/call', params: { name: 'length', arguments: { text } } }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => message.result.content[0].text)).toEqual(answers.map(() => '500000'));
  });
});

test('§19.6 a line of the server above the limit is dropped and logged, the next one is read', async () => {
  await using world = await openWorld({ maxLineBytes: 100_000, requestTimeoutMs: 300 });
  await using sse = await connectSse(world.base);
  expect(
    (await sse.request(1, 'tools/call', { name: 'big', arguments: { bytes: 200_000 } })).error?.code,
  ).toBe(-32000);
  expect(
    (await sse.request(2, 'tools/call', { name: 'echo', arguments: { text: 'x' } })).error,
  ).toBeUndefined();
  await until(() => world.log.some((line) => line.includes('too long')));
});

test('a flood of lines of the server does not stop answers', async () => {
  await using world = await openWorld();
  const { call } = await connectStreamable(world.base);
  const { message } = await call('flood', { count: 20_000, bytes: 10 });
  expect(message.result.content[0].text).toBe('flooded');
});

test('§19.6 the limit of a line is 64 MiB', async () => {
  await using world = await openWorld({ requestTimeoutMs: 30_000 });
  const { call } = await connectStreamable(world.base);
  // The line is the text, and the answer around it.
  const around = '{"jsonrpc":"2.0","id":"","result":{"content":[{"type":"text","text":""}]}}'.length + 40;
  const { text } = await call('big', { bytes: LINE_BYTES - around }, { id: 1 });
  expect(text.length).toBeGreaterThan(LINE_BYTES - around);
  const lost = call('big', { bytes: LINE_BYTES }, { id: 2 });
  await until(() => world.log.some((line) => line.includes('too long')), undefined, 20_000);
  expect((await call('echo', { text: 'x' })).status).toBe(200);
  await world.server.kill();
  expect((await lost).status).toBe(502);
}, 60_000);

test('§6.5 progress that its client does not read is dropped, the answer is not', async () => {
  await using world = await openWorld({
    streamLimits: { dropAboveBytes: 64 * 1024, closeAboveBytes: 8_000_000 },
  });
  const { session } = await connectStreamable(world.base);
  const steps = 2000;
  const params = {
    name: 'progress',
    arguments: { steps, ms: 0, filler: 20_000 },
    _meta: { progressToken: 'p' },
  };
  const socket = await openDeafPost(world.base, session, { id: 1, method: 'tools/call', params });
  // Once the server has said all, the answer waits at the end of what was kept.
  const { call } = await connectStreamable(world.base);
  await call('echo', { text: 'said all' });
  const seen = await socket.readAll();
  const reports = [...seen.matchAll(/"progress":(\d+)/g)].map(([, step]) => Number(step));
  expect(reports.length).toBeGreaterThan(0);
  expect(reports.length).toBeLessThan(steps);
  expect(reports).toEqual(reports.toSorted((one, other) => one - other));
  expect(seen).toContain('"text":"done"');
});
