import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { startOnTerminal } from '../harness/pty.ts';
import { waitFor } from '../harness/wait-for.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';
import { type McpServer, startMcpServer } from './mcp-server.ts';

/**
 * The attack: a server, a registry or an image puts escape sequences into what `thv` prints, which set the clipboard or the
 * title, or hide lines. On a terminal they are shown; a pipe gets every byte as it came, for programs want just that.
 */
const OSC_52 = '\u001b]52;c;cm0gLXJmIC8=\u0007';
const TITLE = '\u001b]0;owned\u001b\\';
const EVIL = `${OSC_52}${TITLE}\u009b2Jno\b\byes\rover\u202eexe\u2066.\u007f`;
const SHOWN =
  '\\x1b]52;c;cm0gLXJmIC8=\\x07\\x1b]0;owned\\x1b\\\\u009b2Jno\\x08\\x08yes\\x0dover\\u202eexe\\u2066.\\u007f';

/** What a terminal obeys; line ends are the terminal driver's own. */
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

let world: World;
let server: McpServer;
beforeAll(async () => {
  world = await openWorld(undefined);
  server = startMcpServer({
    results: {
      'tools/list': {
        tools: [{ name: `t${OSC_52}`, description: EVIL, inputSchema: { type: 'object' } }],
      },
      'resources/list': { resources: [{ name: EVIL, uri: `x:${TITLE}` }] },
      'prompts/list': { prompts: [{ name: `p${EVIL}`, arguments: [{ name: EVIL }] }] },
      'tools/call': ({ name }: { name: string }) => ({
        content: [
          { type: 'text', text: `${EVIL}\nline two` },
          { type: 'image', data: '', mimeType: EVIL },
          { type: 'resource_link', name: EVIL, uri: EVIL },
        ],
        structuredContent: { said: EVIL },
        isError: name === 'failing',
      }),
    },
  });
  const file = join(world.work, 'registry.json');
  const entry = {
    description: EVIL,
    tier: 'Community',
    status: 'Active',
    transport: 'stdio',
    tools: ['echo'],
  };
  await writeFile(
    file,
    JSON.stringify({
      version: '1.0.0',
      last_updated: '2026-01-01T00:00:00Z',
      servers: {
        evil: { ...entry, image: 'example/evil:1', tags: ['tag'], custom_metadata: { by: EVIL } },
      },
    }),
  );
  await world.ok(['registry', 'convert', '--in', file, '--in-place']);
  await world.ok(['config', 'set-registry', file]);
});
afterAll(async () => {
  server[Symbol.dispose]();
  await world[Symbol.asyncDispose]();
});

async function screenOf(args: readonly string[], of: World = world): Promise<string> {
  const pty = startOnTerminal([BINARY, ...args], { env: of.env, cwd: of.work });
  await pty.finished();
  return pty.screen;
}

describe('words of an MCP server', () => {
  const at = () => ['--server', server.url];
  test.each([
    ['the result of a tool', () => ['mcp', 'call', 'tool', ...at()]],
    ['the result of a tool that failed', () => ['mcp', 'call', 'failing', ...at()]],
    ['the same as JSON', () => ['mcp', 'call', 'tool', '--format', 'json', ...at()]],
    ['tools', () => ['mcp', 'list', 'tools', ...at()]],
    ['everything', () => ['mcp', 'list', ...at()]],
    ['everything as JSON', () => ['mcp', 'list', '--format', 'json', ...at()]],
  ])('%s: shown on a terminal', async (_, args) => {
    const screen = await screenOf(args());
    expect(screen).not.toMatch(STEERING);
    expect(screen).toContain('yes');
    expect(screen).toMatch(/\\(?:x1b|u001b)\]52;c;cm0gLXJmIC8=\\(?:x07|u0007)/);
  });

  test('the result is on the screen in full, and its line ends are line ends', async () => {
    expect(await screenOf(['mcp', 'call', 'tool', ...at()])).toStartWith(`${SHOWN}\nline two\n`);
  });

  test('a pipe gets them as they are', async () => {
    const { stdout } = await world.thv(['mcp', 'call', 'tool', ...at()]);
    expect(stdout).toStartWith(`${EVIL}\nline two\n`);
    const json = await world.ok(['mcp', 'call', 'tool', '--format', 'json', ...at()]);
    expect(JSON.parse(json).content[0].text).toBe(`${EVIL}\nline two`);
  });

  test('JSON that was shown on a terminal is the same JSON', async () => {
    const screen = await screenOf(['mcp', 'call', 'tool', '--format', 'json', ...at()]);
    expect(JSON.parse(screen).structuredContent).toEqual({ said: EVIL });
  });

  test('what it says in an error is shown', async () => {
    using refusing = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        if (request.method !== 'POST') return new Response(null, { status: 405 });
        const { id } = (await request.json()) as { id?: number };
        return Response.json({ jsonrpc: '2.0', id, error: { code: -32_603, message: EVIL } });
      },
    });
    const args = ['mcp', 'call', 'x', '--server', `http://127.0.0.1:${refusing.port}/mcp`];
    const screen = await screenOf(args);
    expect(screen).not.toMatch(STEERING);
    expect(screen).toContain('\\x1b]0;owned');
  });
});

test.each([
  ['registry list', ['registry', 'list']],
  ['registry info', ['registry', 'info', 'evil']],
  ['registry info as JSON', ['registry', 'info', 'evil', '--format', 'json']],
  ['search', ['search', 'evil']],
])('words of a registry, in %s, do not steer a terminal', async (_, args) => {
  const screen = await screenOf(args);
  expect(screen).toContain('evil');
  expect(screen).not.toMatch(STEERING);
});

test('a word of the command line that an error repeats does not steer a terminal', async () => {
  for (const args of [
    ['status', EVIL],
    ['logs', EVIL],
    [EVIL],
    ['run', `img${EVIL}`, '-e', EVIL],
    ['registry', 'info', EVIL],
    ['search', EVIL],
  ]) {
    const screen = await screenOf(args);
    expect(screen).not.toMatch(STEERING);
    expect(screen).toMatch(/\\x1b|\\u001b/);
  }
});

test('the log of a workload is shown on a terminal, followed or not, and is raw in a pipe', async () => {
  const name = world.name('log');
  await world.ok(['run', server.url, '--name', name, '--wait']);
  const path = await logPathOf(name);
  const bytes = Buffer.from(`${EVIL}é\nend of the log\n`);
  await appendFile(path, bytes);
  expect(await world.ok(['logs', name, '--proxy'])).toEndWith(bytes.toString());
  const screen = await screenOf(['logs', name, '--proxy']);
  expect(screen).toEndWith(`${SHOWN}é\nend of the log\n`);

  const pty = startOnTerminal([BINARY, 'logs', name, '--proxy', '--follow'], {
    env: world.env,
    cwd: world.work,
  });
  await pty.appeared('end of the log');
  // A character and a sequence arrive in two pieces.
  const more = Buffer.from(`ü${OSC_52}\u009b1m more\n`);
  for (const byte of more) await appendFile(path, Buffer.from([byte]));
  await pty.appeared('ü\\x1b]52;c;cm0gLXJmIC8=\\x07\\u009b1m more');
  pty.type('\u0003');
  await pty.finished();
  expect(pty.screen.replace('^C', '')).not.toMatch(STEERING);
});

/** Where the workload's own log is, as the command says. */
async function logPathOf(name: string): Promise<string> {
  const found = await waitFor(
    async () => (await Array.fromAsync(new Bun.Glob(`**/${name}.log`).scan(world.folder)))[0],
    (path) => path !== undefined,
    { what: 'the log is there' },
  );
  return join(world.folder, found ?? '');
}

onEachEngine((engine) => {
  test('what a container writes is shown on a terminal and raw in a pipe', async () => {
    await using own = await openWorld(engine);
    const name = own.name('noise');
    await own.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--wait', '--', 'noise']);
    const raw = await waitFor(
      () => own.ok(['logs', name]),
      (text) => text.includes('green'),
      { what: 'the container has written' },
    );
    expect(raw).toContain('\u001b[32mgreen\u001b[0m\n');
    const screen = await screenOf(['logs', name], own);
    expect(screen).toContain('\\x1b[32mgreen\\x1b[0m\n');
    expect(screen).not.toMatch(STEERING);
  });
});
