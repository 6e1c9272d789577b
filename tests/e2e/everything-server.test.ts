import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Engine } from '../harness/engine.ts';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { type McpClient, openMcpClient } from '../harness/mcp.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

/** Every transport of the reference server, and for each the endpoints a client may choose. */
const SERVERS = [
  { transport: 'stdio', faces: ['/sse', '/mcp'] },
  { transport: 'sse', faces: ['/sse'] },
  { transport: 'streamable-http', faces: ['/mcp'] },
] as const;

onEachEngine((engine) => {
  describe.each(SERVERS)('server-everything over $transport', ({ transport, faces }) => {
    const server = useServer(engine, transport);
    describe.each(faces)('through %s', (face) => {
      const mcp = useClient(server, face);

      test('initialize tells who the server is and what it can', () => {
        expect(mcp().client.getServerVersion()).toMatchObject({
          name: 'mcp-servers/everything',
          version: '2.0.0',
        });
        expect(Object.keys(mcp().client.getServerCapabilities() ?? {}).sort()).toEqual([
          'completions',
          'logging',
          'prompts',
          'resources',
          'tasks',
          'tools',
        ]);
      });

      test('tools are listed, those for this client’s abilities included', async () => {
        const { tools } = await mcp().client.listTools();
        const names = tools.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names).toContain('echo');
        expect(names).toContain('trigger-sampling-request');
        expect(names).toContain('trigger-elicitation-request');
        expect(names).toContain('get-roots-list');
      });

      test('a call is answered', async () => {
        expect(await mcp().call('echo', { message: 'grüß dich 👩‍💻' })).toBe('Echo: grüß dich 👩‍💻');
        expect(await mcp().call('get-sum', { a: 2, b: 40 })).toBe('The sum of 2 and 40 is 42.');
      });

      test('a call with wrong arguments is answered by the server', async () => {
        const result = await mcp().client.callTool({ name: 'get-sum', arguments: { a: 'two' } });
        expect(result).toMatchObject({ isError: true });
      });

      test('progress of a call arrives in order', async () => {
        const steps: number[] = [];
        const result = await mcp().client.callTool(
          { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } },
          undefined,
          { onprogress: ({ progress }) => steps.push(progress) },
        );
        // The SDK drops steps that arrive together with the answer; `many-clients.test.ts` sees that all of them arrive.
        expect(steps.length).toBeGreaterThan(0);
        expect(steps).toEqual([1, 2, 3, 4].slice(0, steps.length));
        expect(result.content).toEqual([
          { type: 'text', text: 'Long running operation completed. Duration: 0.4 seconds, Steps: 4.' },
        ]);
      });

      test('resources and templates are listed and read', async () => {
        const { resources } = await mcp().client.listResources();
        expect(resources.length).toBeGreaterThan(0);
        const { resourceTemplates } = await mcp().client.listResourceTemplates();
        expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toContain(
          'demo://resource/dynamic/text/{resourceId}',
        );
        const { contents } = await mcp().client.readResource({ uri: 'demo://resource/dynamic/text/7' });
        expect(contents).toMatchObject([{ uri: 'demo://resource/dynamic/text/7', mimeType: 'text/plain' }]);
        await expect(mcp().client.readResource({ uri: 'demo://nothing' })).rejects.toThrow('demo://nothing');
      });

      test('updates of a subscribed resource arrive', async () => {
        const uri = `demo://resource/dynamic/text/${transport.length}`;
        await mcp().client.subscribeResource({ uri });
        await mcp().call('toggle-subscriber-updates');
        await waitFor(
          () => mcp().updated,
          (seen) => seen.includes(uri),
          { what: `an update of ${uri} arrived` },
        );
        await mcp().call('toggle-subscriber-updates');
        await mcp().client.unsubscribeResource({ uri });
      });

      test('prompts are listed, filled and completed', async () => {
        const { prompts } = await mcp().client.listPrompts();
        expect(prompts.map(({ name }) => name)).toContain('args-prompt');
        const { messages } = await mcp().client.getPrompt({
          name: 'args-prompt',
          arguments: { city: 'Aarhus' },
        });
        expect(messages).toEqual([
          { role: 'user', content: { type: 'text', text: "What's weather in Aarhus?" } },
        ]);
        const { completion } = await mcp().client.complete({
          ref: { type: 'ref/prompt', name: 'completable-prompt' },
          argument: { name: 'department', value: 'E' },
        });
        expect(completion.values).toEqual(['Engineering']);
      });

      test('log notifications arrive at the chosen level', async () => {
        await mcp().client.setLoggingLevel('debug');
        await mcp().call('toggle-simulated-logging');
        await waitFor(
          () => mcp().logged,
          (seen) => seen.some(({ data }) => /level[ -]message/.test(String(data))),
          {
            what: 'a simulated log line arrived',
          },
        );
        await mcp().call('toggle-simulated-logging');
      });

      test('a sampling request reaches the client and its answer the server', async () => {
        const answer = await mcp().call('trigger-sampling-request', { prompt: 'hello', maxTokens: 17 });
        expect(answer).toContain('sampled 17 tokens');
      });

      test('an elicitation request reaches the client and its answer the server', async () => {
        const { content } = await mcp().client.callTool({
          name: 'trigger-elicitation-request',
          arguments: {},
        });
        expect(JSON.stringify(content)).toContain('Ada Lovelace');
      });

      test('the client’s roots reach the server', async () => {
        expect(await mcp().call('get-roots-list')).toContain('file:///a/root');
      });
    });
  });
});

/** One workload for a group of suites; gives its URL. */
function useServer(engine: Engine, transport: string): () => string {
  let world: World;
  let url = '';
  beforeAll(async () => {
    world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', EVERYTHING_IMAGE, '--name', name, '--transport', transport]);
    url = (await world.reached(name)).url;
  });
  afterAll(() => world[Symbol.asyncDispose]());
  return () => url;
}

/** One client for a group of tests, at the given endpoint of the server. */
function useClient(server: () => string, face: string): () => McpClient {
  let mcp: McpClient;
  beforeAll(async () => {
    mcp = await openMcpClient(new URL(face, server()).href);
  });
  afterAll(() => mcp[Symbol.asyncDispose]());
  return () => mcp;
}
