import { describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openHome, THV_BINARY, warnWithoutBinary } from './thv.ts';

warnWithoutBinary('tests/cli/mcp-broken-answers');

const EVENTS = { 'Content-Type': 'text/event-stream' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
type Rpc = { readonly id?: number; readonly method?: string; readonly params?: Record<string, unknown> };
type Answer = (response: ServerResponse, message: Rpc, request: IncomingMessage) => void;

/** A server whose answer to `tools/call` breaks in one way; SSE clients get theirs on `/sse`. */
async function openServer(answer: Answer) {
  let stream: ServerResponse | undefined;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    if (request.method === 'GET') {
      if (request.url !== '/sse') return void response.writeHead(405).end();
      stream = response;
      response.writeHead(200, EVENTS).write('event: endpoint\ndata: /messages\n\n');
      return;
    }
    const message: Rpc = text === '' ? {} : JSON.parse(text);
    const { id, method, params } = message;
    const isOld = request.url === '/messages';
    if (isOld) response.writeHead(202).end();
    const say = (result: object) => {
      const reply = JSON.stringify({ jsonrpc: '2.0', id, result });
      if (isOld) stream?.write(`data: ${reply}\n\n`);
      else response.writeHead(200, JSON_TYPE).end(reply);
    };
    if (method === 'initialize')
      say({
        protocolVersion: params?.['protocolVersion'],
        capabilities: { tools: {} },
        serverInfo: { name: 's', version: '1' },
      });
    else if (id === undefined) isOld || response.writeHead(202).end();
    else answer(isOld && stream !== undefined ? stream : response, message, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (path: string) => `http://127.0.0.1:${port}${path}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const NOTE = 'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n';
const rows: readonly (readonly [string, string, Answer, RegExp])[] = [
  [
    'a stream that ends empty',
    '/mcp',
    (response) => response.writeHead(200, EVENTS).end(),
    /ended its response without an answer/,
  ],
  [
    'a stream that ends behind a notification',
    '/mcp',
    (response) => response.writeHead(200, EVENTS).end(NOTE),
    /ended its response without an answer/,
  ],
  [
    'a stream that is cut in the middle of an event',
    '/mcp',
    (response, { id }) => {
      response.writeHead(200, EVENTS).write(`data: {"jsonrpc":"2.0","id":${id},"res`);
      setTimeout(() => response.destroy(), 20);
    },
    /ended its response without an answer/,
  ],
  [
    '202 to a request',
    '/mcp',
    (response) => response.writeHead(202).end(),
    /ended its response without an answer \(202\)/,
  ],
  [
    'an empty body',
    '/mcp',
    (response) => response.writeHead(200, JSON_TYPE).end(),
    /ended its response without an answer \(200\)/,
  ],
  [
    'a JSON body that is cut',
    '/mcp',
    (response) => {
      response.writeHead(200, { ...JSON_TYPE, 'Content-Length': '1000' }).write('{"jsonrpc":');
      setTimeout(() => response.destroy(), 20);
    },
    /failed to call tool "x": ./,
  ],
  [
    'the answer to another request',
    '/mcp',
    (response) => response.writeHead(200, JSON_TYPE).end('{"jsonrpc":"2.0","id":"other","result":{}}'),
    /answered another request/,
  ],
  [
    'an error without an id',
    '/mcp',
    (response) =>
      response
        .writeHead(200, JSON_TYPE)
        .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"what?"}}'),
    /what\?/,
  ],
  [
    'HTML',
    '/mcp',
    (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
    /text\/html/,
  ],
  [
    'a connection that is cut',
    '/mcp',
    (_response, _message, request) => request.socket.destroy(),
    /failed to call tool "x": ./,
  ],
  ['404', '/mcp', (response) => response.writeHead(404).end('gone'), /gone/],
  [
    'an event stream of the SSE transport that ends',
    '/sse',
    (stream) => stream.end(),
    /ended its event stream without an answer/,
  ],
  [
    'an event stream of the SSE transport that is cut',
    '/sse',
    (stream) => stream.destroy(),
    /ended its event stream without an answer/,
  ],
];

describe.skipIf(THV_BINARY === undefined)('mcp ends when no answer can come any more', () => {
  test.each(rows)('%s (%s)', async (_, path, answer, expected) => {
    await using home = await openHome();
    using server = await openServer(answer);
    const startedAt = performance.now();
    const { exit, stdout, stderr } = await home.thv([
      'mcp',
      'call',
      'x',
      '--server',
      server.url(path),
      '--transport',
      'http',
    ]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toMatch(expected);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('a stream that goes on for ever, without the answer, ends with the time limit', async () => {
    await using home = await openHome();
    using server = await openServer((response) => {
      response.writeHead(200, EVENTS);
      const timer = setInterval(() => response.write(NOTE), 10);
      response.on('close', () => clearInterval(timer));
    });
    const { exit, stderr } = await home.thv([
      'mcp',
      'call',
      'x',
      '--server',
      server.url('/mcp'),
      '--timeout',
      '500ms',
    ]);
    expect([exit, stderr]).toEqual([1, 'Error: failed to call tool "x": no answer within 500ms\n']);
  });

  test('a list that fails does not take the others with it', async () => {
    await using home = await openHome();
    using server = await openServer((response) => response.writeHead(200, EVENTS).end());
    const { exit, stdout, stderr } = await home.thv(['mcp', 'list', '--server', server.url('/mcp')]);
    expect([exit, stdout]).toEqual([0, 'No tools, resources, or prompts found\n']);
    expect(JSON.parse(stderr)).toMatchObject({ msg: 'failed to list tools' });
  });
});
