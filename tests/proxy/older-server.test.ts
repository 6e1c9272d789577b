import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { callTool, MODERN, postModern, streamModern } from './modern-client.ts';
import { connectStreamable, INITIALIZE, post, type Rpc, until } from './raw-client.ts';
import { openWorld, type World } from './world.ts';

const ALL = [MODERN, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const SERVER = 'io.modelcontextprotocol/serverInfo';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const textOf = ({ result }: Pick<Rpc, 'result'>): string => result.content[0].text;
const messages = (world: World, method: string): Rpc[] =>
  world.server.reports.map((line): Rpc => JSON.parse(line)).filter((message) => message.method === method);

type Mode = 'legacy' | 'auto' | { readonly pin: string };

async function connect({ base }: World, mode: Mode, capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'a', version: '1' }, {
    capabilities,
    versionNegotiation: { mode },
  } as never);
  await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp`)));
  return client;
}

describe('clients of 2026-07-28 only, at a server that speaks with a handshake (spec 04 §19.3)', () => {
  test.each([['toolbox'], ['official-dual']])('%s, ahead of the others and behind them', async (fixture) => {
    await using world = await openWorld({ fixture });
    const tool = { name: 'echo', arguments: { text: 'x' } };
    for (const mode of [
      { pin: MODERN },
      'legacy',
      { pin: MODERN },
      'auto',
      'legacy',
      { pin: MODERN },
    ] as const) {
      const client = await connect(world, mode);
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo');
      expect(textOf({ result: await client.callTool(tool) })).toBe('x');
      await client.close();
    }
    await world.server.kill();
    world.attach(fixture, 'second');
    const client = await connect(world, { pin: MODERN });
    expect(textOf({ result: await client.callTool(tool) })).toBe('x');
    await client.close();
  });

  test('the official server was discovered, and then began with a client of the other era', async () => {
    await using world = await openWorld({ fixture: 'official-dual' });
    expect((await postModern(world.base, { method: 'server/discover' })).message.result.resultType).toBe(
      'complete',
    );
    const { call } = await connectStreamable(world.base);
    expect(textOf((await call('echo')).message)).toBe('x');
    const { message } = await postModern(world.base, { method: 'tools/list' });
    expect([message.result.resultType, message.result.tools.length]).toEqual(['complete', 1]);
    expect(textOf((await call('echo')).message)).toBe('x');
  });

  test('many of both eras at once', async () => {
    await using world = await openWorld({ fixture: 'official-dual' });
    const modes = Array.from(
      { length: 12 },
      (_, index): Mode => (index % 2 === 0 ? 'legacy' : { pin: MODERN }),
    );
    const texts = await Promise.all(
      modes.map(async (mode) => {
        const client = await connect(world, mode);
        const result = await client.callTool({ name: 'echo', arguments: {} });
        await client.close();
        return textOf({ result });
      }),
    );
    expect(new Set(texts)).toEqual(new Set(['x']));
  });

  test('what it says of itself', async () => {
    await using world = await openWorld();
    const { status, headers, message } = await postModern(world.base, { method: 'server/discover', id: 'd' });
    expect([status, headers.get('mcp-session-id'), message.id]).toEqual([200, null, 'd']);
    expect(message.result).toEqual({
      resultType: 'complete',
      supportedVersions: ALL,
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [SERVER]: { name: 'fixture', version: String(world.server.pid) } },
    });
    const [initialize] = messages(world, 'initialize');
    expect([initialize?.params.protocolVersion, initialize?.params.clientInfo]).toEqual([
      '2025-11-25',
      { name: 'test', version: '0' },
    ]);
    await until(() => messages(world, 'notifications/initialized').length === 1);
  });

  test('results get what the revision wants of them, errors stay, methods that are gone are', async () => {
    await using world = await openWorld();
    const list = (await postModern(world.base, { method: 'tools/list' })).message.result;
    expect([list.resultType, list.ttlMs, list.cacheScope]).toEqual(['complete', 0, 'private']);
    expect((await postModern(world.base, callTool('echo', { text: 'x' }))).message.result).toEqual({
      resultType: 'complete',
      content: [{ type: 'text', text: 'x' }],
    });
    expect((await postModern(world.base, callTool('none'))).message.error?.code).toBe(-32602);
    for (const method of ['ping', 'logging/setLevel', 'resources/subscribe']) {
      const { status, message } = await postModern(world.base, { method });
      expect([method, status, message.error?.code]).toEqual([method, 404, -32601]);
    }
  });

  test('progress and log messages of its own call', async () => {
    await using world = await openWorld();
    const meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'info' };
    await using events = await streamModern(world.base, callTool('progress', { steps: 2 }), { meta });
    await events.next(({ result }) => result !== undefined);
    const reports = events.messages.filter(({ method }) => method === 'notifications/progress');
    expect(reports.map(({ params }) => params.progressToken)).toEqual(['p', 'p']);
    const log = { method: 'notifications/message', params: { level: 'info', data: 'x' } };
    await using logs = await streamModern(world.base, callTool('notify', log), { meta });
    await logs.next(({ result }) => result !== undefined);
    expect(logs.messages.filter(({ method }) => method === 'notifications/message')).toHaveLength(1);
    expect(messages(world, 'logging/setLevel').map(({ params }) => params.level)).toEqual(['info']);
  });

  test('a server that ends at a question ahead of its handshake is not asked a second time', async () => {
    await using world = await openWorld({ fixture: 'ends-at-discover' });
    expect((await postModern(world.base, callTool('x'))).status).toBe(502);
    world.attach('ends-at-discover', 'second');
    expect(textOf((await postModern(world.base, callTool('x'))).message)).toBe('hello');
    await connectStreamable(world.base);
  });

  test('a server that refuses the handshake is quoted', async () => {
    await using world = await openWorld({ fixture: 'refuses-handshake' });
    const refused = await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE });
    const { message } = await postModern(world.base, callTool('echo'));
    expect([message.id, message.error]).toEqual([1, refused.message.error]);
  });
});

describe('changes, for a client that listens (spec 04 §18.6, §19.3)', () => {
  const listen = (notifications: object) => ({
    id: 'l',
    method: 'subscriptions/listen',
    params: { notifications },
  });
  const notify = (world: World, method: string, params: object = {}) =>
    postModern(world.base, callTool('notify', { method, params }));

  test('it hears what it asked for, under its own id, and nothing else', async () => {
    await using world = await openWorld();
    const wishes = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['a:1', 'a:2'],
    };
    await using events = await streamModern(world.base, listen(wishes));
    const acknowledged = await events.next(() => true);
    expect(acknowledged).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['a:1', 'a:2'] },
        _meta: { [SUBSCRIPTION]: 'l' },
      },
    });
    await until(() => messages(world, 'resources/subscribe').length === 2);
    await notify(world, 'notifications/prompts/list_changed');
    await notify(world, 'notifications/resources/updated', { uri: 'a:3' });
    await notify(world, 'notifications/resources/updated', { uri: 'a:2', _meta: { own: 1 } });
    await notify(world, 'notifications/tools/list_changed');
    await until(() => events.messages.length === 3);
    expect(events.messages.slice(1).map(({ method, params }) => [method, params])).toEqual([
      ['notifications/resources/updated', { uri: 'a:2', _meta: { [SUBSCRIPTION]: 'l', own: 1 } }],
      ['notifications/tools/list_changed', { _meta: { [SUBSCRIPTION]: 'l' } }],
    ]);
  });

  test('resources are followed once for all, for as long as anybody does, through a restart', async () => {
    await using world = await openWorld();
    const { send } = await connectStreamable(world.base);
    await send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:1' } });
    const events = await streamModern(world.base, listen({ resourceSubscriptions: ['a:1'] }));
    await events.next(() => true);
    await world.server.kill();
    world.attach('toolbox', 'second');
    await until(() => messages(world, 'resources/subscribe').length === 1);
    await send({ id: 2, method: 'resources/unsubscribe', params: { uri: 'a:1' } });
    await notify(world, 'notifications/resources/updated', { uri: 'a:1' });
    await events.next(({ method }) => method === 'notifications/resources/updated');
    expect(messages(world, 'resources/unsubscribe')).toEqual([]);
    await events[Symbol.asyncDispose]();
    await until(() => messages(world, 'resources/unsubscribe').length === 1);
  });
});

describe('questions of the server, as results that ask for input (spec 04 §18.4, §19.3)', () => {
  const SCHEMA = { type: 'object', properties: { name: { type: 'string' } } };
  const ASK = { method: 'elicitation/create', params: { message: 'name?', requestedSchema: SCHEMA } };
  const able = { meta: { [CAPABILITIES]: { elicitation: {} } } };

  test('sampling, elicitation and roots reach an official client', async () => {
    await using world = await openWorld();
    const client = await connect(world, { pin: MODERN }, { sampling: {}, elicitation: {}, roots: {} });
    client.setRequestHandler('sampling/createMessage', () => ({
      role: 'assistant',
      content: { type: 'text', text: 'sampled' },
      model: 'm',
    }));
    client.setRequestHandler('elicitation/create', () => ({
      action: 'accept',
      content: { name: 'elicited' },
    }));
    client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///rooted' }] }));
    const message = { role: 'user', content: { type: 'text', text: 'hi' } };
    const questions = [
      ['sampling/createMessage', { messages: [message], maxTokens: 5 }, 'sampled'],
      ['elicitation/create', ASK.params, 'elicited'],
      ['roots/list', {}, 'file:///rooted'],
    ] as const;
    for (const [method, params, expected] of questions) {
      const result = await client.callTool({ name: 'ask', arguments: { method, params } });
      expect(textOf({ result })).toContain(expected);
    }
    await client.close();
  });

  async function asked(world: World): Promise<{ readonly requestState: string; readonly key: string }> {
    const { result } = (await postModern(world.base, callTool('ask', ASK), able)).message;
    expect(result.resultType).toBe('input_required');
    const [[key, request] = []] = Object.entries(result.inputRequests);
    expect(request).toEqual(ASK);
    return { requestState: result.requestState, key: String(key) };
  }

  const resume = (world: World, more: object, id = 9) =>
    postModern(world.base, { ...callTool('ask', ASK, more), id }, able);

  test('the call goes on under the new id, and is asked again for what stayed unanswered', async () => {
    await using world = await openWorld({ requestTimeoutMs: 400 });
    const { requestState, key } = await asked(world);
    await Bun.sleep(600);
    const again = (await resume(world, { requestState })).message;
    expect([again.id, again.result.inputRequests[key]]).toEqual([9, ASK]);
    const answer = { action: 'accept', content: { name: 'x' } };
    const { message } = await resume(world, { requestState, inputResponses: { [key]: answer } }, 10);
    expect([message.id, message.result.resultType, JSON.parse(textOf(message))]).toEqual([
      10,
      'complete',
      answer,
    ]);
    const late = (await resume(world, { requestState, inputResponses: { [key]: answer } })).message;
    expect(late.error?.code).toBe(-32603);
    expect(messages(world, 'tools/call')).toHaveLength(1);
  });

  test('progress after the answer bears the token of the request that brought it', async () => {
    await using world = await openWorld();
    const input = { ...ASK, reports: true };
    const first = { meta: { ...able.meta, progressToken: 'first' } };
    const { result } = (await postModern(world.base, callTool('ask', input), first)).message;
    const [key = ''] = Object.keys(result.inputRequests);
    const answer = { requestState: result.requestState, inputResponses: { [key]: { action: 'decline' } } };
    const second = { meta: { ...able.meta, progressToken: 'second' } };
    await using events = await streamModern(world.base, callTool('ask', input, answer), second);
    await events.next(({ result: final }) => final !== undefined);
    expect(events.messages.map(({ params }) => params?.progressToken)).toEqual(['second', undefined]);
  });

  test('a client that is being asked stands in nobody’s way', async () => {
    await using world = await openWorld();
    const first = await asked(world);
    const second = await asked(world);
    const answers = await Promise.all(
      [first, second].map(({ requestState, key }, index) =>
        resume(world, { requestState, inputResponses: { [key]: { action: 'decline', index } } }),
      ),
    );
    expect(answers.map(({ message }) => JSON.parse(textOf(message)).index)).toEqual([0, 1]);
  });

  test('a client that cannot answer is not asked', async () => {
    await using world = await openWorld();
    const { message } = await postModern(world.base, callTool('ask', ASK));
    expect(JSON.parse(textOf(message)).code).toBe(-32601);
  });

  test('a process that ends meanwhile is told of', async () => {
    await using world = await openWorld();
    const { requestState } = await asked(world);
    await world.server.kill();
    world.attach('toolbox', 'second');
    const { status, message } = await resume(world, { requestState });
    expect([status, message.error?.code]).toEqual([502, -32603]);
  });
});
