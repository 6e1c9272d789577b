import { describe, expect, test } from 'bun:test';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock } from '../../src/platform/index.ts';
import { freePort, occupyPort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { startApi } from './server.ts';
import { openEvents } from './sse.ts';

const curl = Bun.which('curl');
if (curl === null) process.stderr.write('SKIPPED tests with curl: it is not there\n');

/** `thv serve` on a socket of the world, answering. */
async function startOnSocket(
  world: World,
  path: string,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
) {
  const server = world.start(['serve', '--socket', path, ...flags], { env });
  await waitFor(
    async () =>
      (await versionOver(path)) === 200 && (await Bun.file(record(world)).json()).pid === server.pid,
    Boolean,
    { what: `${path} answers and is recorded` },
  );
  return {
    ...server,
    get stderr() {
      return server.stderr;
    },
    async end(signal: NodeJS.Signals = 'SIGTERM') {
      server.signal(signal);
      return (await server.finished()).exitCode;
    },
  };
}

async function versionOver(path: string): Promise<number> {
  return (await fetch('http://localhost/api/v1beta/version', { unix: path, keepalive: false })).status;
}

const record = (world: World) => join(world.state, 'server', 'server.json');

describe('a UNIX socket', () => {
  test('--socket-mode 0660 lets the group connect as well', async () => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    const server = await startOnSocket(world, path, {}, ['--socket-mode', '0660']);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('660');
    expect(await server.end()).toBe(0);
  });

  test.each(['0666', '0700', 'rw', ''])('--socket-mode %j is refused', async (mode) => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    expect(await world.thv(['serve', '--socket', path, '--socket-mode', mode])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: invalid value for --socket-mode: ${mode} (0600 lets only you connect, 0660 your group as well)\n`,
    });
    expect(existsSync(path)).toBe(false);
  });

  test('only its owner may connect; it is gone after the end', async () => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'sub', 'thv.sock');
    const server = await startOnSocket(world, path);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    expect(await Bun.file(record(world)).json()).toMatchObject({ url: `unix://${path}`, pid: server.pid });
    expect(server.stderr).toContain(`"msg":"starting server","type":"UNIX socket","address":"${path}"`);
    expect(await server.end()).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(record(world))).toBe(false);
  });

  test.skipIf(curl === null)('curl --unix-socket reaches it, whatever the Host says', async () => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    const server = await startOnSocket(world, path);
    const { stdout } = Bun.spawnSync([
      ...[curl ?? '', '-s', '--unix-socket', path, '-H', 'Host: anything.example'],
      'http://localhost/api/v1beta/status',
    ]);
    expect(stdout.toString()).toMatch(/^\{"version":"[^"]+"\}\n$/);
    expect(await server.end('SIGINT')).toBe(0);
  });

  test('one that nobody listens on is replaced', async () => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    const first = await startOnSocket(world, path);
    process.kill(first.pid, 'SIGKILL');
    await first.finished().catch(() => undefined); // killed, as it should be
    expect(existsSync(path)).toBe(true);
    expect(existsSync(record(world))).toBe(true);
    const second = await startOnSocket(world, path);
    expect(await Bun.file(record(world)).json()).toMatchObject({ pid: second.pid });
    expect(await second.end()).toBe(0);
  });

  test('one that somebody listens on is refused and left alone', async () => {
    await using world = await openWorld(undefined);
    await using other = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    const server = await startOnSocket(world, path);
    // The same state folder: another server runs.
    expect(await world.thv(['serve', '--socket', path])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: another ToolHive server is already running at unix://${path} (PID ${server.pid})\n`,
    });
    // Another one: the address is taken.
    expect(await other.thv(['serve', '--socket', path])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to create listener: listen unix ${path}: bind: address already in use\n`,
    });
    expect(await versionOver(path)).toBe(200);
    expect(await server.end()).toBe(0);
  });

  test.each(['file', 'folder', 'link'])('a %s at its path is refused and left alone', async (kind) => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'there');
    if (kind === 'folder') await mkdir(path);
    else await writeFile(kind === 'file' ? path : `${path}.target`, 'precious');
    if (kind === 'link') await symlink(`${path}.target`, path);
    expect(await world.thv(['serve', '--socket', path])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to create listener: ${path} is not a socket\n`,
    });
    expect(lstatSync(path).isDirectory()).toBe(kind === 'folder');
    expect(lstatSync(path).isSymbolicLink()).toBe(kind === 'link');
  });

  test('a file where its folder should be is told', async () => {
    await using world = await openWorld(undefined);
    const file = join(world.folder, 'file');
    await writeFile(file, 'precious');
    const { exitCode, stderr } = await world.thv(['serve', '--socket', join(file, 'thv.sock')]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Error: failed to create listener: failed to create socket directory: [^\n]*\n$/);
    expect(stderr).not.toContain('fault of thv');
  });

  test('a named pipe is refused here, before anything happens', async () => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['serve', '--socket', '\\\\.\\pipe\\thv-api'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'Error: failed to create listener: named pipe addresses are only supported on Windows: \\\\.\\pipe\\thv-api\n',
    });
    expect(existsSync(join(world.work, '\\\\.\\pipe\\thv-api'))).toBe(false);
    expect(existsSync(record(world))).toBe(false);
  });
});

describe('a port', () => {
  test('that is taken is told', async () => {
    await using world = await openWorld(undefined);
    using busy = occupyPort();
    expect(await world.thv(['serve', '--port', String(busy.port)])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to create listener: listen tcp 127.0.0.1:${busy.port}: bind: address already in use\n`,
    });
    expect(existsSync(record(world))).toBe(false);
  });

  test.each(['-1', '65536'])('%s is refused', async (port) => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['serve', `--port=${port}`])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: invalid value for --port: ${port} (must be between 0 and 65535)\n`,
    });
  });

  test('of IPv6 loopback answers', async () => {
    await using world = await openWorld(undefined);
    const port = freePort();
    const server = world.start(['serve', '--host', '::1', '--port', String(port)]);
    await waitFor(
      async () => {
        const { ok } = await fetch(`http://[::1]:${port}/api/v1beta/version`, { keepalive: false });
        return ok && existsSync(record(world));
      },
      Boolean,
      { what: 'it answers and is recorded' },
    );
    expect(await Bun.file(record(world)).json()).toMatchObject({ url: `http://[::1]:${port}` });
    server.signal('SIGTERM');
    expect((await server.finished()).exitCode).toBe(0);
  });

  test('open to others without authentication is warned about, with the address', async () => {
    await using world = await openWorld(undefined);
    await using api = await startApi(world, ['--host', '0.0.0.0']);
    const warnings = api.stderr.split('\n').filter((line) => line.includes('"level":"WARN"'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('no authentication is configured');
    expect(warnings[0]).toContain('0.0.0.0:');
    // What others find it by is an address that leads somewhere.
    expect(await Bun.file(record(world)).json()).toMatchObject({ url: api.url });
    const named = await api.ask('GET', '/api/v1beta/version', { headers: { Host: 'my-host.example' } });
    expect(named.status).toBe(200);
    const foreign = await api.ask('GET', '/api/v1beta/version', {
      headers: { Origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
  });
});

describe('the record that others find a server by', () => {
  test('is for its owner alone, also where the folder was open before', async () => {
    await using world = await openWorld(undefined);
    await mkdir(join(world.state, 'server'), { recursive: true });
    await chmod(join(world.state, 'server'), 0o755);
    await using _ = await startApi(world);
    expect((statSync(join(world.state, 'server')).mode & 0o777).toString(8)).toBe('700');
    expect((statSync(record(world)).mode & 0o777).toString(8)).toBe('600');
    expect(await readFile(record(world), 'utf8')).toMatch(
      /^\{\n {2}"url": "http:\/\/127\.0\.0\.1:\d+",\n {2}"pid": \d+,\n {2}"nonce": "[0-9a-f]{32}",\n {2}"started_at": "[^"]+"\n\}\n$/,
    );
  });

  test('that is damaged, and that others could have written, is not passed over', async () => {
    await using world = await openWorld(undefined);
    await mkdir(join(world.state, 'server'), { recursive: true });
    await chmod(join(world.state, 'server'), 0o755);
    await writeFile(record(world), 'nonsense');
    expect(await world.thv(['serve', '--port', '0'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to parse discovery file: ${record(world)}\n`,
    });
    expect(await readFile(record(world), 'utf8')).toBe('nonsense');
  });

  test('that is a link is not written to', async () => {
    await using world = await openWorld(undefined);
    await mkdir(join(world.state, 'server'), { recursive: true, mode: 0o700 });
    await writeFile(join(world.folder, 'target'), 'precious');
    await symlink(join(world.folder, 'target'), record(world));
    const { exitCode, stderr } = await world.thv(['serve', '--port', '0']);
    expect(exitCode).toBe(1);
    expect(stderr).toEndWith(
      `Error: failed to write discovery file: refusing to write discovery file: ${record(world)} is a symlink\n`,
    );
    expect(await readFile(join(world.folder, 'target'), 'utf8')).toBe('precious');
  });

  test.each([
    ['of a process that is gone', { url: 'http://127.0.0.1:9', pid: 2 ** 22 + 1, nonce: 'x'.repeat(32) }],
    ['of a process that is no server', { url: 'http://127.0.0.1:9', pid: 1, nonce: 'x'.repeat(32) }],
    ['that points elsewhere', { url: 'http://10.0.0.5:8080', pid: 1, nonce: '' }],
    ['that is damaged', 'nonsense'],
  ])('%s is replaced', async (_what, content) => {
    await using world = await openWorld(undefined);
    await mkdir(join(world.state, 'server'), { recursive: true, mode: 0o700 });
    await writeFile(record(world), typeof content === 'string' ? content : JSON.stringify(content));
    await using api = await startApi(world);
    expect(await Bun.file(record(world)).json()).toMatchObject({ url: api.url, pid: api.pid });
  });

  test('names a server that answers without an engine, so a second one is refused', async () => {
    await using world = await openWorld(undefined);
    await using api = await startApi(world);
    expect((await api.ask('GET', '/health')).status).toBe(503);
    expect(await world.thv(['serve', '--port', '0'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: another ToolHive server is already running at ${api.url} (PID ${api.pid})\n`,
    });
  });

  test('that another server has taken over stays when the first one ends', async () => {
    await using world = await openWorld(undefined);
    const api = await startApi(world);
    await writeFile(record(world), JSON.stringify({ url: 'http://127.0.0.1:9', pid: 1, nonce: 'other' }));
    expect(await api.end()).toBe(0);
    expect(existsSync(record(world))).toBe(true);
  });
});

test('a proxy of the environment is not asked for a server on this machine', async () => {
  await using world = await openWorld(undefined);
  await using api = await startApi(world);
  const env = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
  expect(await world.thv(['serve', '--port', '0'], { env })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `Error: another ToolHive server is already running at ${api.url} (PID ${api.pid})\n`,
  });
});

describe('the end', () => {
  test('takes the socket away also when the record cannot be', async () => {
    await using world = await openWorld(undefined);
    const path = join(world.folder, 'thv.sock');
    const server = await startOnSocket(world, path);
    using _held = await acquireLock(`${record(world)}.lock`);
    expect(await server.end()).toBe(1);
    expect(server.stderr).toContain('Error: failed to acquire lock');
    expect(existsSync(path)).toBe(false);
  }, 20_000);

  test('comes at once although streams are open, and they are told', async () => {
    await using world = await openWorld(undefined);
    await using api = await startApi(world);
    await writeFile(join(world.folder, 'x.log'), '');
    await mkdir(join(world.data, 'logs'), { recursive: true });
    await writeFile(join(world.data, 'logs', 'some.log'), 'line\n');
    await using stream = await openEvents(`${api.url}/api/v1beta/workloads/some/proxy-logs?follow=true`);
    expect(await stream.next()).toEqual({ event: 'log', data: { text: 'line' } });
    const startedAt = performance.now();
    expect(await api.end()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    await expect(stream.next()).rejects.toThrow();
  });

  test('comes on the spot with a second signal', async () => {
    await using world = await openWorld(undefined);
    const api = await startApi(world);
    // A request in flight holds the first one back.
    const slow = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array([123])),
    });
    const pending = fetch(`${api.url}/api/v1beta/groups`, { method: 'POST', body: slow }).catch(
      () => 'cut off',
    );
    await waitFor(() => Bun.file(record(world)).exists(), Boolean, { what: 'it runs' });
    await api.ask('GET', '/api/v1beta/version'); // came later, so the other one has come in
    process.kill(api.pid, 'SIGTERM');
    await waitFor(
      () => existsSync(record(world)),
      (exists) => !exists,
      { what: 'it is ending' },
    );
    const startedAt = performance.now();
    process.kill(api.pid, 'SIGTERM');
    expect(await api.end().catch(() => -1)).toBe(143);
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(await pending).toBe('cut off');
  });
});

test('nothing is written to stdout, and the log is one JSON object per line', async () => {
  await using world = await openWorld(undefined);
  const server = world.start(['serve', '--port', '0', '--debug']);
  await waitFor(
    () => server.stderr,
    (text) => text.includes('starting server'),
    { what: 'it runs' },
  );
  server.signal('SIGTERM');
  const { exitCode, stdout, stderr } = await server.finished();
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
});

test('with --debug each request is a line without its query, headers and body', async () => {
  await using world = await openWorld(undefined);
  await using api = await startApi(world, ['--debug']);
  await api.ask('POST', '/api/v1beta/groups?token=hunter2', {
    body: { name: 'hunter3' },
    headers: { Authorization: 'Bearer hunter4', 'X-Request-Id': 'the-id' },
  });
  await waitFor(
    () => api.stderr,
    (text) => text.includes('the-id'),
    { what: 'the line is written' },
  );
  const line = api.stderr.split('\n').find((text) => text.includes('the-id')) ?? '';
  expect(JSON.parse(line)).toEqual({
    time: expect.any(String),
    level: 'INFO',
    msg: 'request',
    method: 'POST',
    route: '/api/v1beta/groups',
    status: 201,
    ms: expect.any(Number),
    request: 'the-id',
  });
  expect(api.stderr).not.toMatch(/hunter/);
});

test('a surplus argument is refused', async () => {
  await using world = await openWorld(undefined);
  expect((await world.thv(['serve', 'now'])).exitCode).toBe(1);
});
