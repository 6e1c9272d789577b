import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'bun';
import { attachStdio } from '../../src/engine/attach.ts';
import { createContainers } from '../../src/engine/containers.ts';
import { createEngineHttp, type SocketFetch, unixSocketFetch } from '../../src/engine/http.ts';
import { pipeFetch } from '../../src/engine/pipe-fetch.ts';
import { listen } from './harness/attached.ts';
import { rejection } from './harness/rejection.ts';
import { until } from './harness/until.ts';

/** An engine that says exactly the bytes a test wants, when it wants. */
interface WireEngine extends AsyncDisposable {
  readonly socket: string;
  /** Everything received so far. */
  readonly received: string;
  say(text: string | Uint8Array): void;
  hangUp(): void;
  readonly isConnected: boolean;
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thv-wire-'));
});
afterEach(() => rm(root, { recursive: true }));

function wireEngine(answers: readonly (string | Uint8Array)[]): WireEngine {
  let received = '';
  let peer: Socket | undefined;
  const socket = join(root, 'engine.sock');
  const server = Bun.listen({
    unix: socket,
    socket: {
      async data(from, bytes) {
        const isFirst = received === '';
        peer = from;
        received += Buffer.from(bytes).toString('latin1');
        if (!isFirst) return;
        for (const answer of answers) {
          from.write(answer);
          await Bun.sleep(2); // so that the pieces arrive one by one
        }
      },
      close() {
        peer = undefined;
      },
    },
  });
  return {
    socket,
    get received() {
      return received;
    },
    get isConnected() {
      return peer !== undefined;
    },
    say: (text) => peer?.write(text),
    hangUp: () => peer?.end(),
    async [Symbol.asyncDispose]() {
      server.stop(true);
    },
  };
}

function frame(stream: number, payload: string): string {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return header.toString('latin1') + payload;
}

const raw = (text: string) => Buffer.from(text, 'latin1');
const SWITCHED =
  'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nUpgrade: tcp\r\n\r\n';

describe('attach', () => {
  const attach = (engine: WireEngine, receiver = listen().receiver, signal?: AbortSignal) =>
    attachStdio(
      {
        address: engine.socket,
        path: '/v1.41/containers/c/attach',
        container: 'c',
        isRunning: async () => true,
        signal,
      },
      receiver,
    );

  test('asks for an upgrade, and for no detach keys', async () => {
    await using engine = wireEngine([SWITCHED]);
    await using _stdio = await attach(engine);
    expect(engine.received).toBe(
      'POST /v1.41/containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1&detachKeys= HTTP/1.1\r\nHost: engine\r\n' +
        'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test.each([
    ['in one piece with the head', [SWITCHED + frame(1, 'early\n')]],
    ['with the head in two', [SWITCHED.slice(0, 30), SWITCHED.slice(30) + frame(1, 'early\n')]],
    ['with the frame in two', [SWITCHED + frame(1, 'early\n').slice(0, 3), frame(1, 'early\n').slice(3)]],
    ['byte by byte', [...(SWITCHED + frame(1, 'early\n'))]],
    ['with 200, as old engines answer', [`HTTP/1.1 200 OK\r\n\r\n${frame(1, 'early\n')}`]],
  ])('output that comes at once is heard: %s', async (_name, answers) => {
    await using engine = wireEngine(answers.map(raw));
    const heard = listen();
    await using _stdio = await attach(engine, heard.receiver);
    expect(heard.stdout).toBe('');
    await heard.text('early\n');
    engine.say(raw(frame(2, 'warn') + frame(1, 'late\n')));
    await heard.text('late\n');
    expect([heard.stdout, heard.stderr]).toEqual(['early\nlate\n', 'warn']);
  });

  test('an end that comes at once is heard after the output', async () => {
    await using engine = wireEngine([raw(SWITCHED + frame(1, 'all\n'))]);
    const heard = listen();
    const opening = attach(engine, heard.receiver);
    await until(
      () => engine.received,
      (received) => received.endsWith('\r\n\r\n'),
    );
    engine.hangUp();
    await opening;
    await heard.end();
    expect([heard.stdout, heard.ends]).toEqual(['all\n', [undefined]]);
  });

  test.each([
    [
      'known length',
      'HTTP/1.1 409 Conflict\r\nContent-Length: 23\r\n\r\n{"message":"is paused"}',
      'is paused',
    ],
    [
      'chunked',
      'HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"mes\r\n11\r\nsage":"is paused"\r\n1\r\n}\r\n0\r\n\r\n',
      'is paused',
    ],
  ])('a refusal is told in the words of the engine: %s', async (_name, answer, words) => {
    await using engine = wireEngine([answer]);
    expect(await rejection(attach(engine))).toEqual([
      'ERR_ATTACH_FAILED',
      `failed to attach to container: failed to attach to workload: ${words} (container: c)`,
    ]);
    await until(
      () => engine.isConnected,
      (isConnected) => !isConnected,
    );
  });

  test('whatever is not HTTP is refused', async () => {
    await using engine = wireEngine(['SSH-2.0-OpenSSH\r\n']);
    expect((await rejection(attach(engine)))[1]).toContain('what answered does not speak HTTP');
  });

  test('hanging up without an answer is told', async () => {
    await using engine = wireEngine([]);
    const attached = rejection(attach(engine));
    await until(
      () => engine.received,
      (received) => received !== '',
    );
    engine.hangUp();
    expect((await attached)[1]).toContain('the engine closed the connection without an answer');
  });

  test('giving up closes the connection and leaves no listener', async () => {
    await using engine = wireEngine([]);
    const controller = new AbortController();
    const attached = rejection(attach(engine, listen().receiver, controller.signal));
    await until(
      () => engine.received,
      (received) => received !== '',
    );
    controller.abort();
    expect(await attached).toEqual(['ERR_CANCELLED', 'attaching to the container was canceled']);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    await until(
      () => engine.isConnected,
      (isConnected) => !isConnected,
    );
  });

  test.each([
    ['an error frame of the engine', frame(3, 'disk full'), 'the engine reported: disk full'],
    [
      'a stream that is not framed',
      'plain text',
      'the stream is not framed as expected (header 706c61696e207465)',
    ],
    ['an end inside a frame', frame(1, 'abcdef').slice(0, 10), 'the stream ended in the middle of a frame'],
  ])('%s is the end, with an error', async (_name, bytes, problem) => {
    await using engine = wireEngine([raw(SWITCHED)]);
    const heard = listen();
    const stdio = await attach(engine, heard.receiver);
    engine.say(raw(bytes));
    await Bun.sleep(5);
    engine.hangUp();
    await heard.end();
    expect(heard.ends.map((error) => error?.message)).toEqual([
      `failed to attach to container: failed to attach to workload: ${problem} (container: c)`,
    ]);
    await stdio[Symbol.asyncDispose]();
  });

  test('pausing in the middle of one read keeps the frames behind', async () => {
    await using engine = wireEngine([raw(SWITCHED)]);
    const seen: string[] = [];
    let onStdout = () => {};
    const stdio = await attach(engine, {
      onStdout: (bytes) => {
        seen.push(Buffer.from(bytes).toString());
        onStdout();
      },
      onEnd: () => seen.push('end'),
    });
    onStdout = () => stdio.pause();
    engine.say(raw(frame(1, 'one') + frame(1, 'two') + frame(2, 'other') + frame(1, 'three')));
    engine.hangUp();
    await until(
      () => seen.length,
      (count) => count === 1,
    );
    await Bun.sleep(20);
    expect(seen).toEqual(['one']);
    stdio.resume();
    await until(
      () => seen.length,
      (count) => count === 2,
    );
    onStdout = () => {};
    stdio.resume();
    await until(
      () => seen.length,
      (count) => count === 4,
    );
    expect(seen).toEqual(['one', 'two', 'three', 'end']);
  });

  test('closing from within the receiver is the last it hears', async () => {
    await using engine = wireEngine([raw(SWITCHED)]);
    const seen: string[] = [];
    const stdio = await attach(engine, {
      onStdout: (bytes) => {
        seen.push(Buffer.from(bytes).toString());
        stdio.close();
      },
      onEnd: () => seen.push('end'),
    });
    engine.say(raw(frame(1, 'one') + frame(1, 'two')));
    await until(
      () => engine.isConnected,
      (isConnected) => !isConnected,
    );
    expect(seen).toEqual(['one']);
  });
});

describe.each<[string, (address: string) => SocketFetch]>([
  ['Unix socket', unixSocketFetch],
  ['named pipe', pipeFetch],
])('HTTP over a %s', (_name, createFetch) => {
  const serve = (answer: (request: Request) => Response | Promise<Response>) => {
    const socket = join(root, 'http.sock');
    const server = Bun.serve({ unix: socket, fetch: answer });
    return {
      http: createEngineHttp(socket, createFetch(socket)).withVersion('1.41'),
      [Symbol.asyncDispose]: () => server.stop(true),
    };
  };

  test('method, path, query and body arrive; the answer comes back', async () => {
    await using engine = serve(async (request) => {
      const { pathname, search } = new URL(request.url);
      return Response.json([
        request.method,
        pathname,
        search,
        request.headers.get('x-a'),
        await request.text(),
      ]);
    });
    const answer = await engine.http.json<unknown>({
      method: 'POST',
      path: '/x',
      query: { a: 1, b: undefined, c: 'č &', d: ['x', 'y'] },
      headers: { 'X-A': 'yes' },
      json: { k: 'ž' },
    });
    expect(answer).toEqual(['POST', '/v1.41/x', '?a=1&c=%C4%8D+%26&d=x&d=y', 'yes', '{"k":"ž"}']);
  });

  // Podman before 4.6 looks without a pause for as long as it is asked the way Docker is.
  test.each([
    ['docker', '/v1.41/containers/c/wait', '{"StatusCode":7}'],
    [
      'podman',
      '/v1.41/libpod/containers/c/wait?interval=100ms&condition=exited&condition=stopped&condition=created&condition=removing',
      '7',
    ],
  ] as const)('%s is asked for the end of a container in its own way', async (kind, path, answer) => {
    const asked: string[] = [];
    await using engine = serve((request) => {
      asked.push(`${request.method} ${request.url.replace(/^http:\/\/[^/]+/, '')}`);
      return new Response(answer);
    });
    expect(await createContainers(engine.http, '1.41', kind).wait('c')).toEqual({ exitCode: 7 });
    expect(asked).toEqual([`POST ${path}`]);
  });

  test('statuses without a body', async () => {
    await using engine = serve(
      (request) => new Response(null, { status: request.method === 'HEAD' ? 200 : 304 }),
    );
    expect((await engine.http.send({ method: 'HEAD', path: '/_ping' })).status).toBe(200);
    expect((await engine.http.send({ method: 'POST', path: '/x', accept: [304] })).status).toBe(304);
  });

  test('nothing is left behind: listeners on the signal, open sockets', async () => {
    await using engine = serve(
      (request) => new Response(request.method === 'HEAD' ? null : 'x'.repeat(1000)),
    );
    const { signal } = new AbortController();
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    for (let round = 0; round < 200; round++) {
      await engine.http.send({ method: 'GET', path: '/x', signal });
      await engine.http.send({ method: 'HEAD', path: '/x', signal });
      for await (const _bytes of engine.http.stream({ method: 'GET', path: '/x', signal })) break;
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await until(openFiles, (count) => count < before + 10);
  });

  test('an error is the sentence of the engine', async () => {
    await using engine = serve(() => Response.json({ message: 'no: no' }, { status: 500 }));
    expect(await rejection(engine.http.json({ method: 'GET', path: '/x' }))).toEqual([
      'ERR_ENGINE_REQUEST',
      'no',
    ]);
  });

  test('a stream arrives piece by piece, and leaving it reaches the engine', async () => {
    let cancelled = false;
    await using engine = serve(
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              controller.enqueue(Buffer.from('tick\n'));
              await Bun.sleep(10);
            },
            cancel() {
              cancelled = true;
            },
          }),
        ),
    );
    let seen = '';
    for await (const bytes of engine.http.stream({ method: 'GET', path: '/x' })) {
      seen += Buffer.from(bytes).toString();
      if (seen.length >= 15) break;
    }
    expect(seen).toBe('tick\ntick\ntick\n');
    await until(
      () => cancelled,
      (value) => value,
    );
  });

  test('a large stream arrives whole although it is read slowly', async () => {
    const chunk = new Uint8Array(1 << 20).fill(0x61);
    await using engine = serve(() => new Response(Buffer.concat(Array.from({ length: 8 }, () => chunk))));
    let size = 0;
    for await (const bytes of engine.http.stream({ method: 'GET', path: '/x' })) {
      size += bytes.length;
      await Bun.sleep(1);
    }
    expect(size).toBe(8 << 20);
  });

  test('time over, giving up, hanging up', async () => {
    const asked = Promise.withResolvers<void>();
    await using engine = serve(() => {
      asked.resolve();
      return new Promise<Response>(() => undefined);
    });
    const call = { method: 'GET', path: '/x' } as const;
    expect(await rejection(engine.http.json({ ...call, timeoutMs: 50 }))).toEqual([
      'ERR_TIMEOUT',
      `the container engine at ${root}/http.sock did not answer GET /x within 0.05 s`,
    ]);
    const controller = new AbortController();
    const given = rejection(engine.http.json({ ...call, signal: controller.signal }));
    await asked.promise;
    controller.abort();
    expect(await given).toEqual(['ERR_CANCELLED', 'GET /x to the container engine was canceled']);
    expect(await rejection(engine.http.json({ ...call, signal: AbortSignal.abort() }))).toEqual([
      'ERR_CANCELLED',
      'GET /x to the container engine was canceled',
    ]);
  });

  test.each([
    ['hangs up at once', ''],
    ['hangs up in the head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['hangs up in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a"'],
  ])('an engine that %s is unavailable', async (_name, answer) => {
    await using engine = wireEngine([answer]);
    const http = createEngineHttp(engine.socket, createFetch(engine.socket));
    const failed = rejection(http.json({ method: 'GET', path: '/x' }));
    await until(
      () => engine.received,
      (received) => received.endsWith('\r\n\r\n'),
    );
    await Bun.sleep(20);
    engine.hangUp();
    expect((await failed)[0]).toBe('ERR_ENGINE_UNAVAILABLE');
  });
});
