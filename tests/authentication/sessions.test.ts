import { describe, expect, test } from 'bun:test';
import { openEvents } from '../proxy/raw-client.ts';
import { bearer, call, type Guarded, INITIALIZE, LIST, messageOf, openGuarded } from './guarded.ts';

const NOT_FOUND = { code: -32_001, message: 'Session not found' };

/** A workload that asks for access tokens, and two people who have one. */
async function openFor(server: 'stdio' | 'http' | 'sse' | 'remote') {
  const guarded = await openGuarded({ server, config: { require_token: true } });
  const create = async (name: string) =>
    bearer(
      (await guarded.tokens.create({ name, workloads: ['w'], tools: undefined, expiresAt: undefined })).token,
    );
  return { guarded, ann: await create('ann'), bob: await create('bob') };
}

async function openSession({ base }: Guarded, headers: Record<string, string>): Promise<string> {
  const response = await call(base, INITIALIZE, headers);
  await response.text();
  return response.headers.get('mcp-session-id') ?? '';
}

describe.each(['stdio', 'http', 'remote'] as const)('a session of a %s server', (server) => {
  test('is unknown to everybody but the one who opened it, with every method', async () => {
    const { guarded, ann, bob } = await openFor(server);
    await using _ = guarded;
    const id = await openSession(guarded, ann);
    const as = (who: Record<string, string>) => ({ ...who, 'Mcp-Session-Id': id });
    const before = guarded.seen.length;
    const posted = await call(guarded.base, LIST, as(bob));
    expect([posted.status, (await messageOf(posted))['error']]).toEqual([404, NOT_FOUND]);
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(`${guarded.base}/mcp`, {
        method,
        headers: { ...as(bob), Accept: 'text/event-stream' },
      });
      expect([method, response.status, (await messageOf(response))['error']]).toEqual([
        method,
        404,
        NOT_FOUND,
      ]);
    }
    // The server heard nothing of it, and the session goes on.
    expect(guarded.seen.length).toBe(before);
    expect((await call(guarded.base, LIST, as(ann))).status).toBe(200);
    const ended = await fetch(`${guarded.base}/mcp`, { method: 'DELETE', headers: as(ann) });
    expect(ended.status).toBe(204);
    expect((await call(guarded.base, LIST, as(ann))).status).toBe(404);
  });

  test('its stream needs a token like everything else', async () => {
    const { guarded, ann } = await openFor(server);
    await using _ = guarded;
    const id = await openSession(guarded, ann);
    const ask = (headers: Record<string, string>) =>
      fetch(`${guarded.base}/mcp`, {
        headers: { ...headers, 'Mcp-Session-Id': id, Accept: 'text/event-stream' },
      });
    expect((await ask({})).status).toBe(401);
    const stream = await ask(ann);
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
  });
});

describe.each(['stdio', 'sse'] as const)(
  'a stream of the old SSE transport of a server of transport %s',
  (server) => {
    test('takes messages of the one who opened it, and shows nobody else\u2019s refusals', async () => {
      const { guarded, ann, bob } = await openFor(server);
      await using _ = guarded;
      await using stream = await openEvents(`${guarded.base}/sse`, { headers: ann });
      const endpoint = await endpointOf(stream, guarded.base);
      const post = (who: Record<string, string>, message: object) =>
        fetch(endpoint, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...who },
          body: JSON.stringify({ jsonrpc: '2.0', ...message }),
        });
      expect((await post(bob, { ...LIST, id: 7 })).status).toBe(404);
      expect((await post({}, { ...LIST, id: 8 })).status).toBe(401);
      expect((await post({}, { ...LIST, id: 9, method: 5 })).status).toBe(401);
      expect((await post(ann, INITIALIZE)).status).toBe(202);
      expect((await post(ann, { ...LIST, id: 10 })).status).toBe(202);
      await stream.next(({ id }) => id === 10);
      expect(stream.messages.map(({ id }) => id)).toEqual([1, 10]);
    });
  },
);

async function endpointOf(stream: Awaited<ReturnType<typeof openEvents>>, base: string): Promise<string> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const found = stream.events.find(({ type }) => type === 'endpoint');
    if (found !== undefined) return new URL(found.data, base).href;
    if (performance.now() > deadline) throw new Error('no endpoint event');
    await Bun.sleep(5);
  }
}
