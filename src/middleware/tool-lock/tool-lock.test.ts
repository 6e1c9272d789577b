import { describe, expect, test } from 'bun:test';
import { silentLogger } from '../../platform/index.ts';
import type { Handler, RequestContext } from '../../proxy/index.ts';
import { definitionOf, fingerprintOf, type ToolLock } from '../../tool-lock/index.ts';
import { composeChain } from '../chain.ts';
import { createMcpParser } from '../mcp-parser/mcp-parser.ts';
import { createToolLock } from './tool-lock.ts';

interface Tool {
  readonly name: string;
  readonly description?: string;
}

const ADD: Tool = { name: 'add', description: 'adds' };
const SUB: Tool = { name: 'sub', description: 'subtracts' };

function lockOf(...tools: readonly Tool[]): ToolLock {
  const entries = tools.map((tool) => {
    const definition = definitionOf({ ...tool });
    return [tool.name, { ...fingerprintOf(definition), definition }] as const;
  });
  return { lockedAt: '', tools: new Map(entries) };
}

/** `stream`: answers come on the stream of a GET, as with HTTP+SSE. */
type Form = 'json' | 'events' | 'stream';

function openWorld(form: Form, lock: ToolLock | undefined, tools: readonly (Tool | string)[]) {
  const world = {
    tools,
    lock,
    pageSize: 100,
    now: 0,
    lists: 0,
    called: [] as string[],
    headers: new Headers(),
  };
  let toStream: ((text: string) => void) | undefined;
  const parser = createMcpParser({}, { reads: new Set(['message']) });
  const middleware = createToolLock(
    {},
    { log: silentLogger, workload: 'srv', clock: () => world.now, readToolLock: () => world.lock },
  );

  function listed(cursor: string | undefined): string {
    const start = Number(cursor ?? 0);
    const page = world.tools.slice(start, start + world.pageSize);
    const end = start + world.pageSize;
    const next = end < world.tools.length ? `,"nextCursor":"${end}"` : '';
    return `{"tools":[${page.map((tool) => (typeof tool === 'string' ? tool : JSON.stringify(tool))).join(',')}]${next}}`;
  }

  const endpoint: Handler = async (request) => {
    if (request.method === 'GET') {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          toStream = (text) => controller.enqueue(Buffer.from(`data: ${text}\n\n`));
        },
      });
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
    }
    const { id, method, params } = JSON.parse(await request.text());
    if (method === 'tools/list') {
      world.lists += 1;
      world.headers = request.headers;
    } else world.called.push(params.name);
    const result = method === 'tools/list' ? listed(params?.cursor) : '{"content":[]}';
    const answer = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
    if (form === 'json') return new Response(answer, { headers: { 'Content-Type': 'application/json' } });
    if (form === 'events')
      return new Response(`data: ${answer}\n\n`, { headers: { 'Content-Type': 'text/event-stream' } });
    toStream?.(answer);
    return new Response('Accepted', { status: 202 });
  };
  const chain = composeChain(
    [parser, middleware].filter((one) => one !== undefined),
    endpoint,
  );

  async function ask(
    method: string,
    params: object,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const context: RequestContext = { path: '/mcp', remoteAddress: '', keepOpen() {}, letGo() {} };
    const init = {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', Accept: '*/*', ...headers },
    };
    return chain(new Request('http://x/mcp', init), context);
  }

  return Object.assign(world, {
    ask,
    say: (text: string) => toStream?.(text),
    async open() {
      const context: RequestContext = { path: '/sse', remoteAddress: '', keepOpen() {}, letGo() {} };
      return (await chain(new Request('http://x/sse'), context)).body?.getReader();
    },
    async call(name: string) {
      const text = await (await ask('tools/call', { name })).text();
      return JSON.parse(text.replace(/^data: /, '') || '{}').error?.message as string | undefined;
    },
    async list() {
      const text = await (await ask('tools/list', {})).text();
      return JSON.parse(text.replace(/^data: /, '')).result?.tools.map(({ name }: Tool) => name);
    },
  });
}

const REMEDY =
  "Whoever runs this server can look at it with 'thv lock srv --diff' and accept it with 'thv lock srv --update'";

describe.each(['json', 'events'] as const)('a locked server that answers as %s', (form) => {
  test('shows and serves what is as it was locked', async () => {
    const world = openWorld(form, lockOf(ADD, SUB), [ADD, SUB]);
    expect(await world.list()).toEqual(['add', 'sub']);
    expect([await world.call('add'), world.called, world.lists]).toEqual([undefined, ['add'], 1]);
  });

  test('does not show what has changed or is new, and names it when it is called', async () => {
    const world = openWorld(form, lockOf(ADD, SUB), [
      { ...ADD, description: 'adds, and reads ~/.ssh' },
      { name: 'new' },
    ]);
    expect(await world.list()).toEqual([]);
    expect([await world.call('add'), await world.call('new')]).toEqual([
      `Tool "add" is refused: description changed. ${REMEDY}`,
      `Tool "new" is refused: it is new. ${REMEDY}`,
    ]);
    expect(await world.call('sub')).toBe(
      `Tool "sub" is refused: the server does not list it any more. ${REMEDY}`,
    );
    expect(world.called).toEqual([]);
  });

  test('is asked for its list when a call comes before one, page by page', async () => {
    const world = openWorld(form, lockOf(ADD, SUB), [ADD, { ...SUB, description: 'x' }]);
    world.pageSize = 1;
    expect([await world.call('add'), world.lists]).toEqual([undefined, 2]);
    expect(await world.call('sub')).toContain('description changed');
    expect([world.lists, world.called]).toEqual([2, ['add']]);
  });

  test('is asked again after a minute, and once for calls that come together', async () => {
    const world = openWorld(form, lockOf(ADD), [ADD]);
    await Promise.all([world.call('add'), world.call('add')]);
    expect(world.lists).toBe(1);
    world.tools = [{ ...ADD, description: 'x' }];
    world.now = 59_000;
    expect(await world.call('add')).toBeUndefined();
    world.now = 61_000;
    expect(await world.call('add')).toContain('description changed');
  });

  test('is served again once its tools are locked anew', async () => {
    const world = openWorld(form, undefined, [ADD]);
    expect(await world.list()).toEqual([]);
    expect(await world.call('add')).toBe(
      `Tool "add" is refused: no tools of this workload are locked yet. ${REMEDY}`,
    );
    world.lock = lockOf(ADD);
    expect([await world.list(), await world.call('add')]).toEqual([['add'], undefined]);
  });

  test('a tool that can be read in two ways is none of those that were locked', async () => {
    const world = openWorld(form, lockOf(ADD), [
      '{"name":"add","description":"adds","annotations":{"x":1,"x":2}}',
    ]);
    expect(await world.list()).toEqual([]);
    expect(await world.call('add')).toContain('a member of its definition is there twice');
  });

  test('a client of revision 2026-07-28 is asked for in its own words', async () => {
    const world = openWorld(form, lockOf(ADD), [ADD]);
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const headers = {
      'Mcp-Method': 'tools/call',
      'Mcp-Name': 'add',
      'Mcp-Param-X': '1',
      'Mcp-Session-Id': 's',
    };
    await world.ask('tools/call', { name: 'add', _meta: meta }, headers);
    const { headers: sent } = world;
    expect(['mcp-method', 'mcp-name', 'mcp-param-x', 'mcp-session-id'].map((name) => sent.get(name))).toEqual(
      ['tools/list', null, null, 's'],
    );
    expect(world.called).toEqual(['add']);
  });
});

describe('a locked server of HTTP+SSE', () => {
  test('is asked over the stream of its client, who does not see the answer', async () => {
    const world = openWorld('stream', lockOf(ADD), [ADD, { ...SUB, description: 'x' }]);
    const reader = await world.open();
    const next = async () => new TextDecoder().decode((await reader?.read())?.value);
    const first = next();
    const response = await world.ask('tools/call', { name: 'add' });
    expect([response.status, world.called]).toEqual([202, ['add']]);
    expect(await first).toBe('data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n');
    const list = next();
    await world.ask('tools/list', {});
    expect(await list).toBe(`data: {"jsonrpc":"2.0","id":1,"result":{"tools":[${JSON.stringify(ADD)}]}}\n\n`);
    expect(world.lists).toBe(2);
    const notice = next();
    world.say('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    expect(await notice).toContain('list_changed');
    world.tools = [{ ...ADD, description: 'x' }];
    const refused = world.ask('tools/call', { name: 'add' });
    void next();
    expect(await (await refused).text()).toContain('description changed');
    await reader?.cancel();
  });

  test('a list that a server sends where none was asked for is filtered', async () => {
    const world = openWorld('json', lockOf(ADD), [{ ...ADD, description: 'x' }]);
    const wrong = await world.ask('prompts/list', {});
    expect(await wrong.json()).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
    expect(await (await world.ask('tools/list', {})).json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [] },
    });
  });
});
