import { describe, expect, test } from 'bun:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { connectSse, connectStreamable, type Rpc, until } from './raw-client.ts';
import { openWorld } from './world.ts';

const textOf = ({ result }: Pick<Rpc, 'result'>): string => result.content[0].text;
const isQuestion = ({ method, id }: Rpc) => method !== undefined && id !== undefined;
const ASK = { method: 'roots/list', params: {} };
const REFUSAL =
  'server-initiated roots/list is not supported by the shared streamable proxy; requires a per-session backend deployment';

describe('requests of the server (spec 04 §6.5, §19.1, §19.2)', () => {
  test.each(['sse', 'streamable-http'])(
    'sampling, elicitation and roots reach an official %s client',
    async (kind) => {
      await using world = await openWorld();
      const capabilities = { sampling: {}, elicitation: {}, roots: {} };
      const client = new Client({ name: 'a', version: '1' }, { capabilities });
      client.setRequestHandler(CreateMessageRequestSchema, () => ({
        role: 'assistant',
        content: { type: 'text', text: 'sampled' },
        model: 'm',
      }));
      client.setRequestHandler(ElicitRequestSchema, () => ({
        action: 'accept',
        content: { name: 'elicited' },
      }));
      client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///rooted' }] }));
      const transport =
        kind === 'sse'
          ? new SSEClientTransport(new URL(`${world.base}/sse`))
          : new StreamableHTTPClientTransport(new URL(`${world.base}/mcp`));
      await client.connect(transport as never);
      const message = { role: 'user', content: { type: 'text', text: 'hi' } };
      const schema = { type: 'object', properties: { name: { type: 'string' } } };
      const questions = [
        ['sampling/createMessage', { messages: [message], maxTokens: 5 }, 'sampled'],
        ['elicitation/create', { message: 'name?', requestedSchema: schema }, 'elicited'],
        ['roots/list', {}, 'file:///rooted'],
      ] as const;
      for (const [method, params, expected] of questions) {
        const result = await client.callTool({ name: 'ask', arguments: { method, params } });
        expect(textOf({ result })).toContain(expected);
      }
      await client.close();
    },
  );

  test('with several sessions the one whose call is running is asked', async () => {
    await using world = await openWorld();
    await using bystander = await connectSse(world.base);
    const asker = await connectStreamable(world.base);
    await using listening = await asker.listen();
    await using events = await asker.stream('ask', ASK);
    const question = await events.next(isQuestion);
    await asker.send({ id: question.id, result: { roots: [] } });
    expect(textOf(await events.next(({ result }) => result !== undefined))).toBe('{"roots":[]}');
    await until(() => events.ended);
    expect(bystander.source.messages.some(isQuestion)).toBe(false);
    expect(listening.messages).toEqual([]);
  });

  test('with calls of several sessions running nobody is asked', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    const other = await connectStreamable(world.base);
    await using _busy = await other.stream('silent');
    await until(() => world.server.reports.some((line) => line.includes('silent')));
    const { message } = await one.call('ask', ASK, { accept: 'text/event-stream' });
    expect(JSON.parse(textOf(message))).toEqual({ code: -32601, message: REFUSAL });
  });

  test('a call that takes JSON is asked on the stream of its session', async () => {
    await using world = await openWorld();
    const { call, listen, send } = await connectStreamable(world.base);
    await using stream = await listen();
    const calling = call('ask', ASK);
    const question = await stream.next(isQuestion);
    await send({ id: question.id, error: { code: -1, message: 'no' } });
    expect(JSON.parse(textOf((await calling).message))).toEqual({ code: -1, message: 'no' });
  });

  test('a session that cannot be reached is not waited for', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const { message } = await call('ask', ASK);
    expect(JSON.parse(textOf(message)).code).toBe(-32601);
  });

  test('a question right after the handshake waits for the stream that is about to open', async () => {
    await using world = await openWorld();
    const { listen, send } = await connectStreamable(world.base);
    world.server.receive('{"jsonrpc":"2.0","id":"early","method":"roots/list"}\n');
    await using stream = await listen();
    const question = await stream.next(isQuestion);
    await send({ id: question.id, result: { roots: [] } });
    await until(() => world.server.reports.some((report) => report.includes('"id":"early"')));
  });

  test('an answer counts once, and only from the session that was asked', async () => {
    await using world = await openWorld();
    const asker = await connectStreamable(world.base);
    const other = await connectStreamable(world.base);
    await using events = await asker.stream('ask', ASK);
    const question = await events.next(isQuestion);
    const answer = (text: string) => ({ id: question.id, result: { text } });
    expect((await other.send(answer('intruder'))).status).toBe(202);
    expect((await asker.send({ id: 'never asked', result: {} })).status).toBe(202);
    expect((await asker.send(answer('first'))).status).toBe(202);
    expect((await asker.send(answer('second'))).status).toBe(202);
    expect(textOf(await events.next(({ result }) => result !== undefined))).toBe('{"text":"first"}');
    const seen = world.server.reports.filter((line) => line.includes('intruder') || line.includes('second'));
    expect(seen.concat(world.server.reports.filter((line) => line.includes('never asked')))).toEqual([]);
  });

  test('ping is answered by the proxy', async () => {
    await using world = await openWorld();
    await connectStreamable(world.base);
    world.server.receive('{"jsonrpc":"2.0","id":7,"method":"ping"}\n');
    await until(() => world.server.reports.includes('{"jsonrpc":"2.0","id":7,"result":{}}'));
  });

  test('a person who thinks longer than the timeout does not end the call', async () => {
    await using world = await openWorld({ requestTimeoutMs: 150 });
    const { stream, send } = await connectStreamable(world.base);
    await using events = await stream('ask', { method: 'elicitation/create', params: {} });
    const question = await events.next(isQuestion);
    await Bun.sleep(500);
    await send({ id: question.id, result: { action: 'accept' } });
    expect(textOf(await events.next(({ id }) => id === 1))).toBe('{"action":"accept"}');
  });

  test('what the server withdraws is withdrawn under the id that the client knows', async () => {
    await using world = await openWorld();
    const { stream } = await connectStreamable(world.base);
    await using events = await stream('ask', ASK);
    const question = await events.next(isQuestion);
    world.server.receive(
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"question-1"}}\n',
    );
    const withdrawal = await events.next(({ method }) => method === 'notifications/cancelled');
    expect(withdrawal.params).toEqual({ requestId: question.id });
  });

  test('when the session ends, the server is told that nobody will answer', async () => {
    await using world = await openWorld();
    const client = await connectSse(world.base);
    await client.post({ id: 1, method: 'tools/call', params: { name: 'ask', arguments: ASK } });
    await client.source.next(isQuestion);
    await client[Symbol.asyncDispose]();
    await until(() =>
      world.server.reports.some((line) => line.includes('question-1') && line.includes('-32601')),
    );
  });
});
