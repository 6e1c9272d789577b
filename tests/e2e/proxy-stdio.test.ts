import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Engine } from '../harness/engine.ts';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const BINARY = process.env['THV_BINARY'] ?? join(import.meta.dir, '..', '..', 'dist', 'thv');

/** What the world gives to its own commands, for a process that the client of the SDK starts. */
function environmentOf({ folder, home }: World, engine: Engine): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    TMPDIR: join(folder, 'tmp'),
    [`TOOLHIVE_${engine.kind.toUpperCase()}_SOCKET`]: engine.socket,
  };
}

const WORKLOADS = [
  { of: 'stdio through sse', args: ['--transport', 'stdio', '--proxy-mode', 'sse'] },
  { of: 'stdio through streamable-http', args: ['--transport', 'stdio', '--proxy-mode', 'streamable-http'] },
  { of: 'sse', args: ['--transport', 'sse'] },
  { of: 'streamable-http', args: ['--transport', 'streamable-http'] },
] as const;

// The bridge talks to the proxy and never to an engine: one will do.
onOneEngine((engine) => {
  test.each(WORKLOADS)('thv proxy stdio of a server that speaks $of', async ({ args }) => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', EVERYTHING_IMAGE, '--name', name, '--wait', ...args]);
    const client = new Client({ name: 'test', version: '0' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: 'sampled' },
    }));
    const transport = new StdioClientTransport({
      command: BINARY,
      args: ['proxy', 'stdio', name],
      env: environmentOf(world, engine),
      stderr: 'inherit',
    });
    await client.connect(transport);
    try {
      // Nothing of the server is re-made on the way: its own name and instructions arrive.
      expect(client.getServerVersion()?.name).toBe('mcp-servers/everything');
      expect(client.getInstructions()).toBeString();
      const { tools } = await client.listTools();
      expect(tools.map((tool) => tool.name)).toContain('echo');
      const echo = { name: 'echo', arguments: { message: 'grüß dich' } };
      expect(await client.callTool(echo)).toMatchObject({ content: [{ text: 'Echo: grüß dich' }] });
      const sampling = { name: 'trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } };
      expect(JSON.stringify(await client.callTool(sampling))).toContain('sampled');
      const steps: number[] = [];
      const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
      await client.callTool(long, undefined, { onprogress: ({ progress }) => steps.push(progress) });
      // The SDK drops steps that arrive together with the answer.
      expect(steps.length).toBeGreaterThan(0);
      expect(steps).toEqual([1, 2, 3, 4].slice(0, steps.length));
    } finally {
      await client.close();
    }
  });

  test('the end of stdin ends it, the example of the specification is answered, --debug shows on stderr only', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', EVERYTHING_IMAGE, '--name', name, '--transport', 'stdio', '--wait']);
    const stdin = '{"jsonrpc":"2.0","id":-1,"method":"initialize","params":{}}\n';
    const { exitCode, stdout, stderr } = await world.thv(['proxy', 'stdio', name, '--debug'], { stdin });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: -1, result: { serverInfo: expect.any(Object) } });
    expect(stderr).toContain('starting stdio proxy');
    await world.ok(['stop', name]);
    await waitFor(
      () => world.find(name),
      (workload) => workload?.status === 'stopped',
      { what: 'it is stopped' },
    );
    expect(await world.thv(['proxy', 'stdio', name])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: workload "${name}" does not have connection details (is it running?)\n`,
    });
    const unknown = await world.thv(['proxy', 'stdio', 'nobody']);
    expect([unknown.exitCode, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toStartWith('Error: failed to get workload "nobody": ');
  });
});
