import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOnTerminal } from '../harness/pty.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';

const CLIENTS = 'Which clients do you want to register?';
const GROUPS = 'Which groups should the clients see?';
const [DOWN, UP, SPACE, ENTER, CTRL_C, ESCAPE] = ['\u001b[B', '\u001b[A', ' ', '\r', '\u0003', '\u001b'];

async function openWithClients(): Promise<World> {
  const world = await openWorld(undefined);
  for (const folder of ['.cursor', '.codex', '.kiro/settings'])
    await mkdir(join(world.home, folder), { recursive: true });
  return world;
}

function setUp(world: World) {
  return startOnTerminal(['sh', '-c', '"$THV" client setup; echo "ended with $?"'], {
    env: { ...world.env, THV: BINARY, TERM: 'xterm' },
    cwd: world.work,
  });
}

async function registered(world: World): Promise<unknown> {
  return JSON.parse(await world.ok(['client', 'list-registered', '--format', 'json']));
}

describe.skipIf(process.platform === 'win32')('client setup on a terminal', () => {
  test.each([
    ['arrows', [SPACE, DOWN, DOWN, SPACE], ['codex', 'kiro']],
    ['j and k', ['j', SPACE, 'j', 'k', 'k', SPACE], ['codex', 'cursor']],
    ['up from the first to the last', [UP, SPACE], ['kiro']],
    ['ticked and unticked', [SPACE, SPACE, DOWN, SPACE], ['cursor']],
  ])('%s choose', async (_, keys, chosen) => {
    await using world = await openWithClients();
    const pty = setUp(world);
    await pty.appeared(CLIENTS);
    for (const key of keys) pty.type(key);
    pty.type(ENTER);
    await pty.appeared('ended with 0');
    await pty.finished();
    expect(await registered(world)).toEqual(chosen.map((name) => ({ name, groups: ['default'] })));
  });

  test.each([
    ['q', 'q', 'Setup cancelled. No clients registered.'],
    ['Ctrl-C', CTRL_C, 'Setup cancelled. No clients registered.'],
    ['escape', ESCAPE, 'Setup cancelled. No clients registered.'],
    ['enter alone', ENTER, 'No clients selected for registration.'],
  ])('%s registers nobody', async (_, key, said) => {
    await using world = await openWithClients();
    const pty = setUp(world);
    await pty.appeared(CLIENTS);
    pty.type(key);
    await pty.appeared(said);
    await pty.appeared('ended with 0');
    await pty.finished();
    expect(await registered(world)).toEqual([]);
  });

  test('of several groups at least one is chosen; clients that see all of them are not offered', async () => {
    await using world = await openWithClients();
    await world.ok(['group', 'create', 'web']);
    await world.ok(['client', 'register', 'codex', '--group', 'web']);
    const pty = setUp(world);
    await pty.appeared(GROUPS);
    pty.type(ENTER);
    await pty.appeared('select at least one');
    pty.type(DOWN);
    pty.type(SPACE);
    pty.type(ENTER);
    await pty.appeared(CLIENTS);
    pty.type(SPACE);
    pty.type(ENTER);
    await pty.appeared('ended with 0');
    await pty.finished();
    expect(await registered(world)).toEqual([
      { name: 'codex', groups: ['web'] },
      { name: 'cursor', groups: ['web'] },
    ]);
  });
});

test('without installed clients, or with all of them registered, there is nothing to choose', async () => {
  await using world = await openWorld(undefined);
  expect(await world.ok(['client', 'setup'])).toBe('No new clients found.\n');
  await mkdir(join(world.home, '.cursor'));
  await world.ok(['client', 'register', 'cursor']);
  expect(await world.ok(['client', 'setup'])).toBe(
    'All installed clients are already registered for the selected groups.\n',
  );
});

test('without a terminal it is an error', async () => {
  await using world = await openWithClients();
  expect(await world.thv(['client', 'setup'])).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'Error: error running interactive setup: stdin is not a terminal\n',
  });
});

describe.skipIf(process.platform === 'win32')('client import on a terminal', () => {
  test('nothing happens when the person gives up', async () => {
    await using world = await openWithClients();
    await writeFile(
      join(world.home, '.cursor/mcp.json'),
      '{"mcpServers":{"fetch":{"command":"uvx","args":["fetch"]}}}',
    );
    const pty = startOnTerminal(['sh', '-c', '"$THV" client import cursor; echo "ended with $?"'], {
      env: { ...world.env, THV: BINARY, TERM: 'xterm' },
      cwd: world.work,
    });
    await pty.appeared('Which servers do you want to import?');
    pty.type('q');
    await pty.appeared('Import cancelled. Nothing was changed.');
    await pty.appeared('ended with 0');
    await pty.finished();
  });
});
