import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../../src/engine/index.ts';
import { hasCode } from '../../src/errors/index.ts';
import { rejection } from './harness/rejection.ts';

/** An engine that knows only `/_ping`, with these headers. */
function fakeEngine(socket: string, headers: Readonly<Record<string, string>>, onlyGet = false) {
  const server = Bun.serve({
    unix: socket,
    fetch: (request) =>
      new URL(request.url).pathname !== '/_ping' || (onlyGet && request.method === 'HEAD')
        ? new Response('page not found', { status: 404 })
        : new Response('OK', { headers }),
  });
  return { [Symbol.asyncDispose]: () => server.stop(true) };
}

const DOCKER = { 'Api-Version': '1.41', Server: 'Docker/20.10.24 (linux)' };
const PODMAN = { 'Api-Version': '1.40', Server: 'Libpod/4.3.1 (linux)', 'Libpod-Api-Version': '4.3.1' };

let root: string;
let home: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thv-discovery-'));
  home = join(root, 'home');
  await mkdir(home);
});
afterEach(() => rm(root, { recursive: true }));

/** A machine without the system's own sockets: the first place looked at is the one named here. */
const named = (socket: string, more: Readonly<Record<string, string>> = {}) => ({
  wanted: '',
  home,
  env: { DOCKER_HOST: `unix://${socket}`, ...more },
});

describe('the engine is who it says it is', () => {
  test.each([
    ['Docker', DOCKER, 'docker', '1.41'],
    ['Podman, whatever the path', PODMAN, 'podman', '1.40'],
    ['newer than we are', { ...DOCKER, 'Api-Version': '1.52' }, 'docker', '1.44'],
    ['old and silent', {}, 'docker', '1.24'],
  ])('%s', async (_name, headers, kind, version) => {
    const socket = join(root, 'docker.sock');
    await using _engine = fakeEngine(socket, headers);
    const engine = await openEngine(named(socket));
    expect([engine.kind, engine.address, engine.apiVersion]).toEqual([
      kind as typeof engine.kind,
      socket,
      version,
    ]);
    await engine.ping();
  });

  test('an engine that knows GET only', async () => {
    const socket = join(root, 'docker.sock');
    await using _engine = fakeEngine(socket, DOCKER, true);
    expect((await openEngine(named(socket))).apiVersion).toBe('1.41');
  });
});

describe('overrides', () => {
  test('the first one set is used alone', async () => {
    await using _podman = fakeEngine(join(root, 'p.sock'), PODMAN);
    await using _docker = fakeEngine(join(root, 'd.sock'), DOCKER);
    const env = {
      DOCKER_HOST: `unix://${join(root, 'd.sock')}`,
      TOOLHIVE_DOCKER_SOCKET: join(root, 'd.sock'),
      TOOLHIVE_PODMAN_SOCKET: join(root, 'p.sock'),
    };
    expect((await openEngine({ wanted: '', env, home })).address).toBe(join(root, 'p.sock'));
  });

  test.each([
    ['TOOLHIVE_PODMAN_SOCKET', 'Podman'],
    ['TOOLHIVE_DOCKER_SOCKET', 'Docker'],
    ['TOOLHIVE_COLIMA_SOCKET', 'Colima'],
  ])('%s that is not there', async (variable, family) => {
    await using _docker = fakeEngine(join(root, 'd.sock'), DOCKER);
    const env = { DOCKER_HOST: `unix://${join(root, 'd.sock')}`, [variable]: join(root, 'none.sock') };
    expect(await rejection(openEngine({ wanted: '', env, home }))).toEqual([
      'ERR_ENGINE_UNAVAILABLE',
      `invalid ${family} socket path: stat ${root}/none.sock: no such file or directory. Hint: the path comes from ${variable}`,
    ]);
  });

  test('one that does not answer', async () => {
    const socket = join(root, 'file');
    await writeFile(socket, '');
    expect(
      await rejection(openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: socket }, home })),
    ).toEqual([
      'ERR_ENGINE_UNAVAILABLE',
      `no supported container runtime available: failed to ping Docker server at ${socket}: connection refused\n` +
        `  ${socket} (TOOLHIVE_DOCKER_SOCKET): connection refused`,
    ]);
  });

  test('one that refuses', async () => {
    const socket = join(root, 'd.sock');
    const server = Bun.serve({
      unix: socket,
      fetch: () => Response.json({ message: 'engine is starting' }, { status: 503 }),
    });
    const [, message] = await rejection(
      openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: socket }, home }),
    );
    expect(message).toContain(`failed to ping Docker server at ${socket}: engine is starting\n`);
    await server.stop(true);
  });
});

describe('the runtime that is wanted', () => {
  test.each([
    [
      'nonsense',
      'ERR_INPUT_INVALID',
      'runtime "nonsense" not found. Available runtimes: docker, podman, process',
    ],
    ['kubernetes', 'ERR_ENGINE_UNAVAILABLE', 'runtime "kubernetes" is not available on this system'],
  ])('%s', async (value, code, message) => {
    expect(await rejection(openEngine({ wanted: value, env: {}, home }))).toEqual([
      code as 'ERR_INPUT_INVALID',
      message,
    ]);
  });

  test('docker means whoever speaks its API', async () => {
    const socket = join(root, 'p.sock');
    await using _engine = fakeEngine(socket, PODMAN);
    expect((await openEngine({ ...named(socket), wanted: 'docker' })).kind).toBe('podman');
  });

  test('podman means Podman; the error names every socket and what happened there', async () => {
    const socket = join(root, 'd.sock');
    await using _engine = fakeEngine(socket, DOCKER);
    const env = { TOOLHIVE_DOCKER_SOCKET: socket };
    expect(await rejection(openEngine({ wanted: 'podman', env, home }))).toEqual([
      'ERR_ENGINE_UNAVAILABLE',
      `runtime "podman" is not available on this system\n  ${socket} (TOOLHIVE_DOCKER_SOCKET): answered as docker`,
    ]);
  });
});

test('a search that fails names every place (B4)', async () => {
  // Podman only, so that an engine of the system is named instead of found.
  await mkdir(join(home, '.docker/run'), { recursive: true });
  await writeFile(join(home, '.docker/run/docker.sock'), '');
  await using _colima = fakeEngine(join(root, 'd.sock'), DOCKER);
  const env = {
    DOCKER_HOST: 'tcp://127.0.0.1:1',
    XDG_RUNTIME_DIR: join(root, 'run'),
  };
  const error = await openEngine({ wanted: 'podman', env, home }).catch((reason: unknown) => reason);
  if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
  const [first, ...places] = error.message.split('\n');
  expect(first).toBe('runtime "podman" is not available on this system');
  const gone = 'no such file or directory';
  expect(places.filter((line) => !line.startsWith('  /var/run/'))).toEqual([
    '  tcp://127.0.0.1:1 (DOCKER_HOST): only unix:///path is supported',
    `  ${root}/run/podman/podman.sock (Podman, user): ${gone}`,
    `  ${home}/.local/share/containers/podman/machine/podman.sock (Podman machine): ${gone}`,
    `  ${root}/run/docker.sock (Docker, rootless): ${gone}`,
    `  ${home}/.docker/run/docker.sock (Docker Desktop): connection refused`,
    `  ${home}/.docker/desktop/docker.sock (Docker Desktop for Linux): ${gone}`,
    `  ${home}/.rd/docker.sock (Rancher Desktop): ${gone}`,
    `  ${home}/.orbstack/run/docker.sock (OrbStack): ${gone}`,
    `  ${home}/.colima/default/docker.sock (Colima): ${gone}`,
  ]);
  expect(places.filter((line) => line.startsWith('  /var/run/'))).toHaveLength(2);
});

test('a refused permission comes with its remedy', async () => {
  const { noEngine } = await import('../../src/engine/discovery/report.ts');
  const place = { address: '/d.sock', origin: 'Docker, system' };
  const error = noEngine([
    { ...place, result: 'failed', why: 'permission denied', isPermission: true },
    { ...place, address: '/c.sock', result: 'failed', why: 'connection refused', isPermission: false },
  ]);
  expect(error.message).toBe(
    "no supported container runtime available (hint: permission denied on the engine's socket; add yourself to the " +
      "'docker' group with `sudo usermod -aG docker $USER`, log out and in again, and see " +
      'https://docs.docker.com/engine/install/linux-postinstall/): failed to ping Docker server at /d.sock: permission denied\n' +
      '  /d.sock (Docker, system): permission denied\n' +
      '  /c.sock (Docker, system): connection refused',
  );
});

test('a search can be given up', async () => {
  const socket = join(root, 'silent.sock');
  const server = Bun.listen({ unix: socket, socket: { data() {} } });
  const [code] = await rejection(openEngine({ ...named(socket), signal: AbortSignal.timeout(100) }));
  expect(code).toBe('ERR_TIMEOUT');
  server.stop(true);
});

test('an engine that went away is unavailable, for ping and for calls', async () => {
  const socket = join(root, 'd.sock');
  const fake = fakeEngine(socket, DOCKER);
  const engine = await openEngine(named(socket));
  await fake[Symbol.asyncDispose]();
  await rm(socket, { force: true });
  expect(await rejection(engine.ping())).toEqual([
    'ERR_ENGINE_UNAVAILABLE',
    'failed to ping Docker server: no such file or directory',
  ]);
  expect(await rejection(engine.containers.list({}))).toEqual([
    'ERR_ENGINE_UNAVAILABLE',
    `failed to talk to the container engine at ${socket}: no such file or directory`,
  ]);
});
