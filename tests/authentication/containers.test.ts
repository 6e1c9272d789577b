import { expect, test } from 'bun:test';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { openWorld } from '../harness/world.ts';
import { bearer, INITIALIZE } from './guarded.ts';

/** Status of a client's first request. */
async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const isSse = new URL(url).pathname === '/sse';
  const accept = { Accept: isSse ? 'text/event-stream' : 'application/json, text/event-stream' };
  const post = { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }) };
  const response = await fetch(url, {
    ...(isSse ? {} : post),
    headers: { 'Content-Type': 'application/json', ...accept, ...headers },
  });
  await response.body?.cancel();
  return response.status;
}

onOneEngine((engine) => {
  test.each(['stdio', 'streamable-http', 'sse'])(
    'a container of transport %s that asks for tokens comes up, and does again after a stop',
    async (transport) => {
      await using world = await openWorld(engine);
      const name = world.name();
      await world.ok([
        'run',
        EVERYTHING_IMAGE,
        '--name',
        name,
        '--transport',
        transport,
        '--require-token',
        '--wait',
      ]);
      const { url } = await world.reached(name);
      const token = bearer((await world.ok(['token', 'create', 'ann', '--workload', name])).trim());
      expect([await ask(url), await ask(url, token)]).toEqual([401, 200]);
      await world.ok(['stop', name]);
      await world.ok(['start', name, '--wait']);
      expect([await ask(url), await ask(url, token)]).toEqual([401, 200]);
    },
    120_000,
  );
});
