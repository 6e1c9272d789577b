import { describe, expect, test } from 'bun:test';
import {
  Client as NewestClient,
  StreamableHTTPClientTransport as NewestTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as FirstClient } from 'mcp-sdk-1.0/client/index.js';
import { Client as OldClient } from 'mcp-sdk-1.10/client/index.js';
import { SSEClientTransport as OldSseTransport } from 'mcp-sdk-1.10/client/sse.js';
import { StreamableHTTPClientTransport as OldTransport } from 'mcp-sdk-1.10/client/streamableHttp.js';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable, type RawClient } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const ME = { name: 'wire', version: '1' };
const NONE = { capabilities: {} };

/** Official clients, the newest first; each with a revision of its own. */
const CLIENTS = [
  ['client 2.x', '/mcp', () => new NewestClient(ME), NewestTransport],
  ['sdk 1.32', '/mcp', () => new Client(ME, NONE), StreamableHTTPClientTransport],
  ['sdk 1.32 over SSE', '/sse', () => new Client(ME, NONE), SSEClientTransport],
  ['sdk 1.10', '/mcp', () => new OldClient(ME, NONE), OldTransport],
  ['sdk 1.10 over SSE', '/sse', () => new OldClient(ME, NONE), OldSseTransport],
  ['sdk 1.0 over SSE', '/sse', () => new FirstClient(ME, NONE), OldSseTransport],
] as const;

async function echo([name, path, create, Transport]: (typeof CLIENTS)[number], url: string): Promise<string> {
  const client = create();
  await client.connect(new Transport(new URL(path, url)) as never);
  const result = (await client.callTool({ name: 'echo', arguments: { message: name } })) as {
    readonly content: readonly { readonly text: string }[];
  };
  await client.close();
  return result.content[0]?.text ?? '';
}

/** A call that comes while the server is being started again may fail; the session goes on. */
async function reborn(client: RawClient, born: string): Promise<void> {
  let id = 3;
  await waitFor(
    () => callTool(client, id++, 'birth', {}),
    (seen) => seen !== born,
    { what: 'another process answers in the same session' },
  );
}

onEachEngine((engine) => {
  describe('what real clients and servers do on the wire', () => {
    test.each([
      ['newest', CLIENTS],
      ['oldest', CLIENTS.toReversed()],
    ])('official clients of all ages share a server, the %s first', async (_, clients) => {
      await using world = await openWorld(engine);
      const { url } = await run(world, 'echo');
      for (const client of clients) expect(await echo(client, url)).toBe(client[0]);
    });

    test('a server that takes integers only and ends at an empty line lives through every restart', async () => {
      await using world = await openWorld(engine);
      const { url, name } = await run(world, 'strict');
      for (const client of CLIENTS) expect(await echo(client, url)).toBe(client[0]);
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      await using client = await openStreamable(new URL('/mcp', url).href);
      const born = await callTool(client, 1, 'birth', {});
      await callTool(client, 2, 'crash', {}).catch(() => undefined);
      await reborn(client, born);
      for (const each of CLIENTS) expect(await echo(each, url)).toBe(each[0]);
    });

    test('a refused tool of an SSE server is answered on its stream', async () => {
      await using world = await openWorld(engine);
      const { url } = await run(world, 'sse', ['--transport', 'sse', '--tools', 'echo']);
      const client = new Client(ME, NONE);
      await client.connect(new SSEClientTransport(new URL('/sse', url)) as never);
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
      const refused = client.callTool({ name: 'birth', arguments: {} }, undefined, { timeout: 5000 });
      await expect(refused).rejects.toThrow('tool not found');
      await client.close();
    });

    test('a session that its server forgot, and answers with 400, goes on', async () => {
      await using world = await openWorld(engine);
      const { url } = await run(world, 'forgetful', ['--transport', 'streamable-http']);
      await using client = await openStreamable(new URL('/mcp', url).href);
      const born = await callTool(client, 1, 'birth', {});
      await callTool(client, 2, 'crash', {}).catch(() => undefined);
      await reborn(client, born);
    });

    test('the port answers over both addresses of localhost', async () => {
      await using world = await openWorld(engine);
      const { url } = await run(world, 'echo');
      const { port } = new URL(url);
      for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
        await using client = await openStreamable(`http://${host}:${port}/mcp`);
        expect(await callTool(client, 1, 'echo', { message: host })).toBe(host);
      }
    });
  });
});

async function run(world: World, behaviour: string, flags: readonly string[] = ['--transport', 'stdio']) {
  const name = world.name(behaviour);
  await world.ok(['run', FIXTURE_IMAGE, '--name', name, ...flags, '--', behaviour]);
  return { name, url: (await world.reached(name)).url };
}
