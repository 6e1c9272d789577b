import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { freePort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { findUv } from './find-uv.ts';
import type { StartOne } from './fixtures/start-one.ts';
import { CASES, openRunner, type Runner } from './runner.ts';

type Order = Omit<StartOne, 'folder' | 'executable'>;
const NONE = { network: { outbound: {} } };
const uv = await findUv();

describe.each([...CASES])('servers in $sandbox, started by user $user', ({ sandbox, user }) => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await openRunner(user, uv === undefined ? [] : [dirname(uv)]);
  });
  afterAll(() => runner[Symbol.asyncDispose]());

  async function connect(order: Omit<Order, 'sandbox'>) {
    const { command, env } = runner.commandFor({ ...order, sandbox });
    const [program = '', ...args] = command;
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(new StdioClientTransport({ command: program, args, env, stderr: 'ignore' }));
    return client;
  }

  const call = async (client: Client, name: string, args: Record<string, unknown> = {}) => {
    const result = await client.callTool({ name, arguments: args });
    return JSON.stringify(result.content);
  };

  test('server-everything answers over stdio', async () => {
    const client = await connect({
      package: { scheme: 'npx', package: '@modelcontextprotocol/server-everything' },
      profile: NONE,
    });
    expect(await call(client, 'echo', { message: 'grüß dich' })).toContain('Echo: grüß dich');
    await client.close();
  });

  test('server-everything answers over HTTP, from a network of its own', async () => {
    const [inside, outside] = [freePort(), freePort()];
    const { command, env } = runner.commandFor({
      sandbox,
      package: { scheme: 'npx', package: '@modelcontextprotocol/server-everything' },
      args: ['streamableHttp'],
      env: { PORT: String(inside) },
      profile: NONE,
      port: { inside, outside },
    });
    const child = Bun.spawn([...command], { env, stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' });
    const client = new Client({ name: 'test', version: '1.0.0' });
    const url = new URL(`http://127.0.0.1:${outside}/mcp`);
    await waitFor(
      () => client.connect(new StreamableHTTPClientTransport(url)).then(() => true),
      (isConnected) => isConnected,
      { what: 'the server answers', intervalMs: 50 },
    );
    expect(await call(client, 'get-sum', { a: 2, b: 40 })).toContain('42');
    // Not by the port it listens on, which is of its own network.
    await expect(fetch(`http://127.0.0.1:${inside}/mcp`)).rejects.toThrow();
    await client.close();
    child.kill('SIGTERM');
    await child.exited;
  });

  test('server-filesystem gets at what is granted, and only that', async () => {
    const folder = join(runner.folder, 'notes');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.txt'), 'from this machine');
    await Bun.$`chmod -R a+rwX ${folder}`.quiet();
    const client = await connect({
      package: { scheme: 'npx', package: '@modelcontextprotocol/server-filesystem' },
      args: ['/notes'],
      mounts: [{ source: folder, target: '/notes', readOnly: false }],
      profile: NONE,
    });
    expect(await call(client, 'read_text_file', { path: '/notes/a.txt' })).toContain('from this machine');
    await call(client, 'write_file', { path: '/notes/b.txt', content: 'by the server' });
    expect(await Bun.file(join(folder, 'b.txt')).text()).toBe('by the server');
    await client.close();
  });

  test('server-memory keeps what it is told in its work folder', async () => {
    const order = {
      package: { scheme: 'npx', package: '@modelcontextprotocol/server-memory' } as const,
      env: { MEMORY_FILE_PATH: '/work/memory.jsonl' },
      profile: NONE,
    };
    const first = await connect(order);
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }];
    await call(first, 'create_entities', { entities });
    await first.close();
    const second = await connect(order);
    expect(await call(second, 'search_nodes', { query: 'Ada' })).toContain('writes programs');
    await second.close();
  });

  test.if(uv !== undefined && user === 'self')('mcp-server-time answers', async () => {
    const client = await connect({
      package: { scheme: 'uvx', package: 'mcp-server-time' },
      args: ['--local-timezone', 'Europe/Copenhagen'],
      profile: NONE,
    });
    expect(await call(client, 'get_current_time', { timezone: 'Asia/Tokyo' })).toContain('+09:00');
    await client.close();
  });
});
