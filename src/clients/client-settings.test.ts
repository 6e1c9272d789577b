import { describe, expect, test } from 'bun:test';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGroupStore, ensureDefaultGroup } from '../groups/index.ts';
import { createLogger } from '../platform/index.ts';
import { createClientSettings } from './client-settings.ts';
import { placesOf } from './places.ts';
import { CLIENTS, getClient } from './table.ts';
import type { Client } from './types.ts';

const SERVER = { name: 'fetch', url: 'http://localhost:12345/mcp', endpoint: 'streamable-http' } as const;
const GROUPED = { ...SERVER, group: 'default' };

/** A home of its own; settings as they would be on `platform`. */
async function openHome(platform: 'linux' | 'darwin' = 'linux') {
  const folder = await mkdtemp(join(tmpdir(), 'thv-clients-'));
  const state = join(folder, 'state');
  const env = { HOME: folder };
  const log: string[] = [];
  const logger = createLogger({ write: (line) => log.push(line) });
  await ensureDefaultGroup(state);
  const settings = createClientSettings({
    env,
    platform,
    paths: { state, config: join(folder, 'config') },
    logger,
  });
  const pathOf = (id: string) => getClient(id).settingsFile(placesOf({ platform, env, homeFolder: folder }));
  return {
    ...settings,
    folder,
    state,
    log,
    pathOf,
    groups: createGroupStore(state),
    async write(id: string, content: string | Uint8Array) {
      await mkdir(dirname(pathOf(id)), { recursive: true });
      await writeFile(pathOf(id), content);
    },
    text: (id: string) => readFile(pathOf(id), 'utf8'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** A file of each format with comments, a foreign server and things that are none of ours. */
function worn({ format, section }: Client): string {
  switch (format) {
    case 'json':
      return `{\n    // kept\n    "theme": "dark", /* too */\n    ${JSON.stringify(section)}: {\n        "theirs": { "command": "x", "args": [ 1,2 ] } // foreign\n    },\n    "last": [\n        1, 2\n    ]\n}\n`;
    case 'yaml-map':
      return `# kept\ntheme: "dark" # too\n${section}:\n  theirs: # foreign\n    cmd: x\n    args: [ 1,2 ]\n\nlast:\n- 1\n`;
    case 'yaml-list':
      return `# kept\ntheme: "dark" # too\n${section}:\n  - name: theirs # foreign\n    command: x\n\nlast:\n- 1\n`;
    case 'toml-table':
      return `# kept\ntheme = "dark" # too\n\n[${section}.theirs] # foreign\ncommand = "x"\nargs = [ 1,2 ]\n\n[last]\na = 1\n`;
    case 'toml-array':
      return `# kept\ntheme = "dark" # too\n\n[[${section}]] # foreign\nname = "theirs"\ncommand = "x"\n\n[last]\na = 1\n`;
  }
}

/** What a file that we made holds when nothing of ours is in it any more. */
function emptied({ emptyFile, format }: Client): string {
  return emptyFile ?? EMPTY[format];
}

const EMPTY: Readonly<Record<Client['format'], string>> = {
  json: '{}\n',
  'yaml-map': '',
  'yaml-list': '',
  'toml-table': '',
  'toml-array': '',
};

describe.each(CLIENTS.map((client) => [client.id, client] as const))('%s', (id, client) => {
  const states: readonly (readonly [string, string])[] = [
    ['an empty file', ''],
    ['comments and foreign servers', worn(client)],
    ['line ends of Windows', worn(client).replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${worn(client)}`],
  ];
  test.each(states)('%s: an entry comes and goes, every other byte stays', async (_state, content) => {
    await using home = await openHome();
    await home.write(id, content);
    await chmod(home.pathOf(id), 0o640);
    await home.register([id], ['default'], [GROUPED]);
    const changed = await home.text(id);
    expect(changed).toContain(id === 'claude-desktop' ? '"stdio"' : 'http://localhost:12345/mcp');
    expect(changed.startsWith('\uFEFF')).toBe(content.startsWith('\uFEFF'));
    expect(/(?<!\r)\n/.test(changed)).toBe(!content.includes('\r\n'));
    for (const line of content.split('\n').filter((kept) => !kept.includes('foreign')))
      expect(changed).toContain(line);
    expect((await stat(home.pathOf(id))).mode & 0o777).toBe(0o640);
    expect(await readFile(`${home.pathOf(id)}.thv.bak`, 'utf8')).toBe(content);

    await home.removeWorkload(SERVER, 'default');
    expect(await home.text(id)).toBe(content);
    expect(home.log).toEqual([]);
  });

  test('a file that is not there is made for the owner alone, and is empty when the entry is gone', async () => {
    await using home = await openHome();
    const [outcome] = await home.register([id], ['default'], [GROUPED]);
    expect(outcome).toEqual({ id, path: home.pathOf(id), created: true, skipped: [] });
    expect((await stat(home.pathOf(id))).mode & 0o777).toBe(0o600);
    if (dirname(home.pathOf(id)) !== home.folder)
      expect((await stat(dirname(home.pathOf(id)))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(home.pathOf(id)))).not.toContain(`${home.pathOf(id)}.thv.bak`);
    await home.removeWorkload(SERVER, 'default');
    expect(await home.text(id)).toBe(emptied(client));
  });

  test('a file that does not parse is never written, and says so', async () => {
    await using home = await openHome();
    const broken = client.format.startsWith('yaml') ? 'a: [1,\nb: }' : '{ "a": [';
    await home.write(id, broken);
    const label = { j: 'JSON', y: 'YAML', t: 'TOML' }[client.format[0] ?? ''];
    await expect(home.register([id], ['default'], [GROUPED])).rejects.toThrow(
      `failed to register clients: failed to add workloads to client ${id}: failed to validate config file format: failed to parse ${label} for file ${home.pathOf(id)}: `,
    );
    expect(await home.registrations()).toEqual([]);
    await home.groups.updateClients('default', () => [id]);
    await home.addWorkload(SERVER, 'default');
    expect(home.log).toHaveLength(1);
    expect(await home.text(id)).toBe(broken);
    expect(await readdir(dirname(home.pathOf(id)))).not.toContain(`${home.pathOf(id)}.thv.bak`);
  });

  test('a read-only file stays as it is', async () => {
    await using home = await openHome();
    await home.write(id, worn(client));
    await chmod(home.pathOf(id), 0o444);
    await expect(home.register([id], ['default'], [GROUPED])).rejects.toThrow(
      `failed to register clients: failed to add workloads to client ${id}: ${home.pathOf(id)} is read-only`,
    );
    expect(await home.text(id)).toBe(worn(client));
  });
});

describe('settings files', () => {
  test('a link is written through and stays one', async () => {
    await using home = await openHome();
    const real = join(home.folder, 'dotfiles', 'cursor.json');
    await mkdir(dirname(real));
    await mkdir(join(home.folder, '.cursor'));
    await symlink('../dotfiles/cursor.json', home.pathOf('cursor'));
    await home.register(['cursor'], ['default'], [GROUPED]); // it leads nowhere yet
    expect((await lstat(home.pathOf('cursor'))).isSymbolicLink()).toBe(true);
    expect(await readFile(real, 'utf8')).toContain(SERVER.url);
    await home.removeWorkload(SERVER, 'default');
    expect(await readFile(real, 'utf8')).toBe('{}\n');
    expect((await lstat(home.pathOf('cursor'))).isSymbolicLink()).toBe(true);
  });

  test('the backup is of the state before the first change', async () => {
    await using home = await openHome();
    await home.write('cursor', '{"a":1}');
    await home.register(['cursor'], ['default'], [GROUPED]);
    await home.write('cursor', '{"b":2}');
    await home.addWorkload(SERVER, 'default');
    expect(await readFile(`${home.pathOf('cursor')}.thv.bak`, 'utf8')).toBe('{"a":1}');
  });

  test('a file that we made has no backup, however often it is changed', async () => {
    await using home = await openHome();
    for (const name of ['a', 'b']) await home.register(['cursor'], ['default'], [{ ...GROUPED, name }]);
    await home.removeWorkload({ ...SERVER, name: 'a' }, 'default');
    expect(await readdir(dirname(home.pathOf('cursor')))).toEqual(['mcp.json']);
  });

  test('an entry with a foreign URL stays, one that leads to our port goes', async () => {
    await using home = await openHome();
    const content = '{"mcpServers":{"fetch":{"url":"https://example.com/mcp"}}}';
    await home.write('cursor', content);
    await home.groups.updateClients('default', () => ['cursor']);
    await home.removeWorkload(SERVER, 'default');
    expect(await home.text('cursor')).toBe(content);
    await home.write('cursor', '{"mcpServers":{"fetch":{"url":"http://127.0.0.1:12345/sse#fetch"}}}');
    await home.removeWorkload(SERVER, 'default');
    expect(await home.text('cursor')).toBe('{"mcpServers":{}}');
  });

  test('an entry follows its port in place', async () => {
    await using home = await openHome();
    await home.write('cursor', '{\n  "mcpServers": {\n    "fetch": {},\n    "b": {}\n  }\n}\n');
    await home.register(['cursor'], ['default'], [GROUPED]);
    await home.addWorkload({ ...SERVER, url: 'http://localhost:2/mcp' }, 'default');
    expect(JSON.parse(await home.text('cursor'))).toEqual({
      mcpServers: { fetch: { url: 'http://localhost:2/mcp', type: 'http' }, b: {} },
    });
    expect(Object.keys(JSON.parse(await home.text('cursor')).mcpServers)).toEqual(['fetch', 'b']);
  });

  test('an entry that an earlier version wrote for SSE moves with the next writing', async () => {
    await using home = await openHome();
    const old = { ...SERVER, url: 'http://localhost:12345/sse#fetch', endpoint: 'sse' } as const;
    const before = '{ "url": "http://localhost:12345/sse#fetch" }';
    await home.write('gemini-cli', `{\n  "mcpServers": {\n    "fetch": ${before}\n  }\n}\n`);
    await home.write('codex', '[mcp_servers.fetch]\nurl = "http://localhost:12345/sse#fetch"\n');
    await home.register(['gemini-cli', 'codex', 'cursor'], ['default'], [GROUPED]);
    expect(JSON.parse(await home.text('gemini-cli')).mcpServers).toEqual({ fetch: { httpUrl: SERVER.url } });
    expect(await home.text('codex')).toBe(`[mcp_servers.fetch]\nurl = "${SERVER.url}"\n`);
    await home.addWorkload(old, 'default');
    expect(JSON.parse(await home.text('cursor')).mcpServers).toEqual({
      fetch: { url: old.url, type: 'sse' },
    });
    await home.removeWorkload(SERVER, 'default');
    expect(await home.text('cursor')).toBe('{}\n');
  });

  const SSE = { ...GROUPED, name: 'old', url: 'http://localhost:9/sse#old', endpoint: 'sse' } as const;

  test.each(['codex', 'mistral-vibe', 'amazon-q'])(
    '%s does not speak SSE: such a workload is not written, and goes where it was',
    async (id) => {
      await using home = await openHome();
      expect(await home.register([id], ['default'], [SSE])).toEqual([
        { id, path: home.pathOf(id), created: false, skipped: ['old'] },
      ]);
      expect(await readdir(home.folder)).not.toContain(dirname(home.pathOf(id)));
      const [outcome] = await home.register([id], ['default'], [SSE, GROUPED]);
      expect(outcome).toMatchObject({ created: true, skipped: ['old'] });
      expect(await home.text(id)).toContain(SERVER.url);
      expect(await home.text(id)).not.toContain('/sse');
      await home.addWorkload(SSE, 'default');
      expect(home.log.join('')).toContain('client cannot connect over SSE');
      expect(await home.text(id)).not.toContain('/sse');
      await home.addWorkload({ ...SSE, name: 'fetch' }, 'default');
      expect(await home.text(id)).not.toContain('localhost');
    },
  );

  test('a new file for Continue has what Continue insists on, an empty one gets it and loses it again', async () => {
    await using home = await openHome();
    const fields = 'name: Local Assistant\nversion: 1.0.0\nschema: v1\n';
    await home.register(['continue'], ['default'], [GROUPED]);
    expect(await home.text('continue')).toBe(
      `${fields}mcpServers:\n    - name: fetch\n      url: ${SERVER.url}\n      type: streamable-http\n`,
    );
    await home.removeWorkload(SERVER, 'default');
    expect(await home.text('continue')).toBe(fields);
    for (const empty of ['', '\n', '  \n\n']) {
      await home.write('continue', empty);
      await home.addWorkload(SERVER, 'default');
      expect(await home.text('continue')).toStartWith(fields);
      await home.removeWorkload(SERVER, 'default');
      expect(await home.text('continue')).toBe(empty);
    }
  });

  test.each([
    ['opencode', 'opencode.json', 'opencode.jsonc'],
    ['kilo', 'kilo.json', 'kilo.jsonc'],
  ])(
    '%s: entries move when the client has its settings in another file by now',
    async (id, plain, commented) => {
      await using home = await openHome();
      const [folder, other] = [
        dirname(home.pathOf(id)),
        { ...GROUPED, name: 'other', url: 'http://localhost:2/mcp' },
      ];
      await mkdir(folder, { recursive: true });
      const [first, second] = id === 'kilo' ? [commented, plain] : [plain, commented];
      const text = (name: string) => readFile(join(folder, name), 'utf8');
      await home.register([id], ['default'], [GROUPED, other]);
      expect(await readdir(folder)).toEqual([first]);
      await writeFile(join(folder, second), '{\n  // mine\n}\n');
      await home.addWorkload(SERVER, 'default');
      expect(await text(first)).toBe('{}\n');
      for (const { url } of [SERVER, other]) expect(await text(second)).toContain(url);
      await home.removeWorkload(SERVER, 'default');
      await home.removeWorkload(other, 'default');
      expect(await text(second)).toBe('{\n  // mine\n}\n');
    },
  );

  test.each([
    ['antigravity', ['.gemini', 'config'], 'mcp_config.json'],
    ['qoder', ['.config', 'Qoder', 'SharedClientCache'], 'mcp.json'],
  ])('%s: entries move when the client has a new folder', async (id, folder, file) => {
    await using home = await openHome();
    await home.register([id], ['default'], [GROUPED]);
    const before = home.pathOf(id);
    expect(await readFile(before, 'utf8')).toContain(SERVER.url);
    const after = join(home.folder, ...folder, file);
    await mkdir(dirname(after), { recursive: true });
    await home.addWorkload(SERVER, 'default');
    expect(await readFile(before, 'utf8')).not.toContain(SERVER.url);
    expect(await readFile(after, 'utf8')).toContain(SERVER.url);
    await home.removeWorkload(SERVER, 'default');
    expect(await readFile(after, 'utf8')).not.toContain(SERVER.url);
  });

  test('a client that is removed has nothing of ours in either of its files', async () => {
    await using home = await openHome();
    const gone = { ...GROUPED, name: 'gone', url: 'http://localhost:2/mcp' };
    await home.register(['opencode'], ['default'], [GROUPED, gone]);
    const plain = home.pathOf('opencode');
    const commented = `${plain}c`;
    await writeFile(commented, '{}\n');
    await home.remove(['opencode'], undefined, [GROUPED]); // `gone` has no document any more
    expect([await readFile(plain, 'utf8'), await readFile(commented, 'utf8')]).toEqual(['{}\n', '{}\n']);
  });

  test('many workloads at once all come in, and all go', async () => {
    await using home = await openHome();
    await home.groups.updateClients('default', () => ['cursor', 'codex', 'goose', 'continue']);
    const servers = Array.from({ length: 12 }, (_, index) => ({
      ...SERVER,
      name: `s${index}`,
      url: `http://localhost:${20_000 + index}/mcp`,
    }));
    await Promise.all(servers.map((server) => home.addWorkload(server, 'default')));
    for (const id of ['cursor', 'codex', 'goose', 'continue'])
      for (const { url } of servers) expect(await home.text(id)).toContain(url);
    await Promise.all(servers.map((server) => home.removeWorkload(server, 'default')));
    expect(await home.text('cursor')).toBe('{}\n');
    for (const id of ['codex', 'goose', 'continue']) expect(await home.text(id)).toBe(emptied(getClient(id)));
    expect(home.log).toEqual([]);
  });

  test('no lock or temporary file is left', async () => {
    await using home = await openHome();
    await home.write('cursor', '{}');
    await home.register(['cursor'], ['default'], [GROUPED]);
    expect((await readdir(dirname(home.pathOf('cursor')))).sort()).toEqual(['mcp.json', 'mcp.json.thv.bak']);
  });
});

describe('registration', () => {
  test('two at once on one group both take effect', async () => {
    await using home = await openHome();
    const ids = ['cursor', 'codex', 'zed', 'goose', 'vscode', 'kiro'];
    await Promise.all(ids.map((id) => home.register([id], ['default'], [])));
    expect((await home.registrations()).map(({ id }) => id)).toEqual([...ids].sort());
  });

  test('only workloads of the groups are written', async () => {
    await using home = await openHome();
    await home.groups.create('dev');
    const other = { ...GROUPED, name: 'other', group: 'dev' };
    await home.register(
      ['cursor'],
      ['dev'],
      [GROUPED, other, { ...GROUPED, name: 'alone', group: undefined }],
    );
    expect(Object.keys(JSON.parse(await home.text('cursor')).mcpServers)).toEqual(['other']);
    expect(await home.registrations()).toEqual([{ id: 'cursor', groups: ['dev'] }]);
  });

  test('without groups it is for workloads without a group, in config.yaml', async () => {
    await using home = await openHome();
    await home.register(['cursor'], [], [GROUPED, { ...GROUPED, name: 'alone', group: undefined }]);
    expect(Object.keys(JSON.parse(await home.text('cursor')).mcpServers)).toEqual(['alone']);
    expect(await readFile(join(home.folder, 'config', 'config.yaml'), 'utf8')).toContain('- cursor');
    expect(await home.registrations()).toEqual([{ id: 'cursor', groups: [] }]);
    await home.addWorkload({ ...SERVER, name: 'late' }, undefined);
    expect(await home.text('cursor')).toContain('late');
    await home.remove(['cursor'], undefined, [{ ...GROUPED, name: 'alone', group: undefined }]);
    expect(await home.registrations()).toEqual([]);
    expect(await home.text('cursor')).toBe('{}\n');
  });

  test('a wrong name or group changes nothing', async () => {
    await using home = await openHome();
    await expect(home.register(['cursor', 'emacs'], ['default'], [])).rejects.toThrow(
      /^invalid client type: emacs \(valid types: amazon-q, amp-cli, .*, zed\)$/,
    );
    await expect(home.register(['cursor'], ['default', 'nope'], [])).rejects.toThrow(
      "failed to register clients with groups: failed to get group nope: group 'nope' does not exist",
    );
    expect(await home.registrations()).toEqual([]);
  });

  test('removing takes out stopped workloads, and what nobody knows any more', async () => {
    await using home = await openHome();
    await home.write('cursor', '{"mcpServers":{"mine":{"url":"http://localhost:9/mcp"}}}');
    const gone = { ...GROUPED, name: 'gone', url: 'http://localhost:3/mcp' };
    await home.register(['cursor'], ['default'], [GROUPED, gone]);
    await home.remove(['cursor'], ['default'], [GROUPED]); // `gone` has no document any more
    expect(await home.text('cursor')).toBe('{"mcpServers":{"mine":{"url":"http://localhost:9/mcp"}}}');
    expect(await home.registrations()).toEqual([]);
  });

  test('removing from one group leaves the entries of another', async () => {
    await using home = await openHome();
    await home.groups.create('dev');
    const other = { ...GROUPED, name: 'other', group: 'dev', url: 'http://localhost:4/mcp' };
    await home.register(['cursor'], ['default', 'dev'], [GROUPED, other]);
    await home.remove(['cursor'], ['default'], [GROUPED, other]);
    expect(Object.keys(JSON.parse(await home.text('cursor')).mcpServers)).toEqual(['other']);
    expect(await home.registrations()).toEqual([{ id: 'cursor', groups: ['dev'] }]);
  });

  test('a client without a settings file is removed without one', async () => {
    await using home = await openHome();
    await home.register(['cursor'], ['default'], []);
    await home.remove(['cursor'], undefined, [GROUPED]);
    expect(await home.registrations()).toEqual([]);
    expect(await readdir(home.folder)).not.toContain('.cursor');
  });

  test('a workload that changes its group moves from one client to the other, and stays where both see it', async () => {
    await using home = await openHome();
    await home.groups.create('dev');
    await home.groups.updateClients('dev', () => ['cursor', 'kiro']);
    await home.groups.updateClients('default', () => ['zed', 'kiro']);
    await home.addWorkload(SERVER, 'dev');
    await home.moveWorkload(SERVER, { from: 'dev', to: 'default', isServed: true });
    expect(await home.text('cursor')).toBe('{}\n');
    expect(await home.text('kiro')).toContain(SERVER.url);
    expect(await home.text('zed')).toContain(SERVER.url);
  });

  test('a group that is not there touches no client', async () => {
    await using home = await openHome();
    await home.addWorkload(SERVER, 'nope');
    expect(home.log.join('')).toContain('group not found');
  });

  test('installed means that the folder is there, for Claude Code the file', async () => {
    await using home = await openHome('darwin');
    const installed = async () =>
      (await home.detect()).filter((client) => client.installed).map(({ id }) => id);
    expect(await installed()).toEqual([]);
    await home.write('claude-code', '{}');
    await home.write('vscode', '{}');
    expect(await installed()).toEqual(['claude-code', 'vscode']);
  });
});
