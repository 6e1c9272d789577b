import { describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGroupStore, ensureDefaultGroup, groupExists } from './store.ts';

async function openStore() {
  const state = await mkdtemp(join(tmpdir(), 'thv-groups-'));
  const path = (name: string) => join(state, 'groups', `${name}.json`);
  return {
    ...createGroupStore(state),
    state,
    path,
    text: (name: string) => readFile(path(name), 'utf8'),
    [Symbol.asyncDispose]: () => rm(state, { recursive: true }),
  };
}

describe('group files', () => {
  test('a new one is readable by its owner alone and has no clients', async () => {
    await using store = await openStore();
    await store.create('my group');
    expect(await store.text('my group')).toBe('{\n  "name": "my group",\n  "registered_clients": []\n}\n');
    expect((await stat(store.path('my group'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(store.state, 'groups'))).mode & 0o777).toBe(0o750);
    expect(await readdir(join(store.state, 'groups'))).toEqual(['my group.json']);
  });

  test('of ten creators at once one succeeds', async () => {
    await using store = await openStore();
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => store.create('dev')));
    const failures = results.filter(({ status }) => status === 'rejected');
    expect(failures).toHaveLength(9);
    await expect(store.create('dev')).rejects.toThrow('group already exists: dev');
  });

  test.each([
    ['Dev', 'invalid group name: group name must be lowercase'],
    ['../x', /^invalid group name: group name can only contain .*: "..\/x"$/],
    ['x'.repeat(65), /^invalid group name: group name cannot be longer than 64 characters: /],
  ])('a bad name is refused: %s', async (name, message) => {
    await using store = await openStore();
    await expect(store.create(name)).rejects.toThrow(message);
    expect(await store.find(name)).toBeUndefined();
    expect(groupExists(store.state, name)).toBe(false);
  });

  test('twenty changes at once all take effect, and unknown keys stay', async () => {
    await using store = await openStore();
    await store.create('dev');
    await writeFile(
      store.path('dev'),
      '{"name":"dev","registered_clients":null,"skills":["a"],"future":{"b":1}}',
    );
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.updateClients('dev', (ids) => [...ids, `c${index}`])),
    );
    const file = JSON.parse(await store.text('dev'));
    expect(file).toMatchObject({ name: 'dev', skills: ['a'], future: { b: 1 } });
    expect(file.registered_clients.toSorted()).toEqual(
      Array.from({ length: 20 }, (_, index) => `c${index}`).sort(),
    );
    expect(await readdir(join(store.state, 'groups'))).toEqual(['dev.json']);
  });

  test('names come in byte order', async () => {
    await using store = await openStore();
    for (const name of ['b', 'a_', 'a-', 'a', '9']) await store.create(name);
    expect(await store.names()).toEqual(['9', 'a', 'a-', 'a_', 'b']);
  });

  test('the default group is made once and cannot be deleted', async () => {
    await using store = await openStore();
    expect(groupExists(store.state, 'default')).toBe(true);
    await Promise.all([1, 2, 3].map(() => ensureDefaultGroup(store.state)));
    await store.updateClients('default', () => ['cursor']);
    await ensureDefaultGroup(store.state);
    expect((await store.get('default')).clients).toEqual(['cursor']);
    await expect(store.delete('default')).rejects.toThrow('cannot delete the default group');
  });

  test('what is not there is not found', async () => {
    await using store = await openStore();
    await expect(store.get('nope')).rejects.toThrow("group 'nope' does not exist");
    await expect(store.delete('nope')).rejects.toThrow("group 'nope' does not exist");
    await expect(store.updateClients('nope', (ids) => ids)).rejects.toThrow("group 'nope' does not exist");
    expect(await store.list()).toEqual([]);
    expect(await readdir(store.state)).toEqual([]);
  });

  test('a file that cannot be read is told by its path', async () => {
    await using store = await openStore();
    await store.create('dev');
    await writeFile(store.path('dev'), '{');
    await expect(store.list()).rejects.toThrow(`failed to read group file ${store.path('dev')}: `);
  });
});
