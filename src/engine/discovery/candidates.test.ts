import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { listCandidates } from './candidates.ts';
import { findOverride } from './overrides.ts';
import type { HostFacts } from './types.ts';

const HOME = '/home/nobody-here';

const DEFAULTS = [
  '/var/run/podman/podman.sock (Podman, system)',
  `${HOME}/.local/share/containers/podman/machine/podman.sock (Podman machine)`,
  '/var/run/docker.sock (Docker, system)',
  `${HOME}/.docker/run/docker.sock (Docker Desktop)`,
  `${HOME}/.docker/desktop/docker.sock (Docker Desktop for Linux)`,
  `${HOME}/.rd/docker.sock (Rancher Desktop)`,
  `${HOME}/.orbstack/run/docker.sock (OrbStack)`,
  `${HOME}/.colima/default/docker.sock (Colima)`,
];

async function list(facts: Partial<HostFacts>): Promise<readonly string[]> {
  const candidates = await listCandidates({ env: {}, platform: 'linux', home: HOME, ...facts });
  return candidates.map(
    ({ address, origin, problem }) => `${address} (${origin})${problem ? `: ${problem}` : ''}`,
  );
}

describe('listCandidates', () => {
  test('podman, docker, colima', async () => {
    expect(await list({})).toEqual(DEFAULTS);
  });

  test('sockets of the login session', async () => {
    expect(await list({ env: { XDG_RUNTIME_DIR: '/run/user/1' } })).toEqual([
      ...DEFAULTS.slice(0, 1),
      '/run/user/1/podman/podman.sock (Podman, user)',
      ...DEFAULTS.slice(1, 3),
      '/run/user/1/docker.sock (Docker, rootless)',
      ...DEFAULTS.slice(3),
    ]);
  });

  test.each(['', 'relative/folder', '.'])(
    'nothing below a folder that is not absolute: %p',
    async (folder) => {
      expect(await list({ env: { XDG_RUNTIME_DIR: folder, TMPDIR: folder } })).toEqual(DEFAULTS);
      const relativeHome = await list({ home: folder });
      expect(relativeHome).toEqual([
        '/var/run/podman/podman.sock (Podman, system)',
        '/var/run/docker.sock (Docker, system)',
      ]);
    },
  );

  test.each([
    ['unix:///x/y.sock', '/x/y.sock (DOCKER_HOST)'],
    ['unix://x/y.sock', 'unix://x/y.sock (DOCKER_HOST): only unix:///path is supported'],
    ['tcp://1.2.3.4:2375', 'tcp://1.2.3.4:2375 (DOCKER_HOST): only unix:///path is supported'],
    ['npipe:////./pipe/x', 'npipe:////./pipe/x (DOCKER_HOST): only unix:///path is supported'],
  ])('DOCKER_HOST=%s comes first', async (value, expected) => {
    expect(await list({ env: { DOCKER_HOST: value } })).toEqual([expected, ...DEFAULTS]);
  });

  test('no path comes twice', async () => {
    const listed = await list({ env: { DOCKER_HOST: 'unix:///var/run/docker.sock' } });
    expect(listed).toEqual([
      '/var/run/docker.sock (DOCKER_HOST)',
      ...DEFAULTS.filter((line) => !line.startsWith('/var/run/docker.sock')),
    ]);
  });

  test('Windows has pipes', async () => {
    const env = { DOCKER_HOST: 'npipe:////./pipe/mine', XDG_RUNTIME_DIR: '/run/user/1' };
    expect(await list({ platform: 'win32', env })).toEqual([
      '\\\\.\\pipe\\mine (DOCKER_HOST)',
      '\\\\.\\pipe\\podman-api (Podman)',
      '\\\\.\\pipe\\docker_engine (Docker)',
    ]);
  });

  describe('with files', () => {
    let root: string;
    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'thv-candidates-'));
    });
    afterAll(() => rm(root, { recursive: true }));

    async function write(path: string, content: string): Promise<void> {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    const metaOf = (name: string) =>
      `contexts/meta/${createHash('sha256').update(name).digest('hex')}/meta.json`;

    test('sockets of Podman machines, sorted', async () => {
      await write('podman/b-api.sock', '');
      await write('podman/a-api.sock', '');
      await write('podman/other.sock', '');
      const listed = await list({ env: { TMPDIR: root } });
      expect(listed.slice(2, 4)).toEqual([
        `${root}/podman/a-api.sock (Podman machine)`,
        `${root}/podman/b-api.sock (Podman machine)`,
      ]);
    });

    test.each([
      ['a socket', 'unix:///ctx.sock', '/ctx.sock (Docker context "mine")'],
      ['ssh', 'ssh://host', 'ssh://host (Docker context "mine"): only unix:///path is supported'],
    ])('the active context: %s', async (_name, endpoint, expected) => {
      await write('config.json', JSON.stringify({ currentContext: 'mine' }));
      await write(metaOf('mine'), JSON.stringify({ Endpoints: { docker: { Host: endpoint } } }));
      const listed = await list({ env: { DOCKER_CONFIG: root } });
      expect(listed).toEqual([...DEFAULTS.slice(0, 2), expected, ...DEFAULTS.slice(2)]);
    });

    test('DOCKER_CONTEXT wins over the file, and default means none', async () => {
      await write('config.json', JSON.stringify({ currentContext: 'mine' }));
      expect(await list({ env: { DOCKER_CONFIG: root, DOCKER_CONTEXT: 'default' } })).toEqual(DEFAULTS);
    });

    test('a context that is not there is named', async () => {
      const listed = await list({ env: { DOCKER_CONFIG: root, DOCKER_CONTEXT: 'gone' } });
      expect(listed[2]).toBe(
        `${join(root, metaOf('gone'))} (Docker context "gone"): the context cannot be read`,
      );
    });
  });
});

describe('findOverride', () => {
  const all = {
    TOOLHIVE_PODMAN_SOCKET: '/p',
    TOOLHIVE_DOCKER_SOCKET: '/d',
    TOOLHIVE_COLIMA_SOCKET: '/c',
  };
  test.each([
    ['none', {}, 'linux', undefined],
    ['empty is not set', { TOOLHIVE_PODMAN_SOCKET: '' }, 'linux', undefined],
    ['podman first', all, 'linux', { address: '/p', origin: 'TOOLHIVE_PODMAN_SOCKET', family: 'Podman' }],
    [
      'then docker',
      { ...all, TOOLHIVE_PODMAN_SOCKET: '' },
      'darwin',
      { address: '/d', origin: 'TOOLHIVE_DOCKER_SOCKET', family: 'Docker' },
    ],
    [
      'then colima',
      { TOOLHIVE_COLIMA_SOCKET: '/c' },
      'linux',
      { address: '/c', origin: 'TOOLHIVE_COLIMA_SOCKET', family: 'Colima' },
    ],
    ['colima is not for Windows', { TOOLHIVE_COLIMA_SOCKET: '/c' }, 'win32', undefined],
  ] as const)('%s', (_name, env, platform, expected) => {
    expect(findOverride({ env, platform, home: HOME })).toEqual(expected);
  });
});
