import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseImageReference } from '../image-reference.ts';
import { type CredentialSearch, encodeRegistryAuth, findCredentials } from './find.ts';
import type { RegistryCredentials } from './types.ts';

/** A home of its own for each search: files by path, searched with `env`. `{root}` in values is that home. */
interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, unknown>>;
  readonly mayUseGeneric?: boolean;
}

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thv-credentials-'));
});
afterAll(() => rm(root, { recursive: true }));

async function search(image: string, world: World): Promise<RegistryCredentials | undefined> {
  const home = join(root, String(count++));
  for (const [path, content] of Object.entries(world.files ?? {})) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
    if (path.startsWith('bin/')) await chmod(join(home, path), 0o755);
  }
  const env = Object.fromEntries(
    Object.entries({ PATH: '{root}/bin:/usr/bin:/bin', ...world.env }).map(([key, value]) => [
      key,
      value.replaceAll('{root}', home),
    ]),
  );
  const options: CredentialSearch = { env, home, mayUseGeneric: async () => world.mayUseGeneric ?? true };
  return findCredentials(parseImageReference(image), options);
}

const auth = (username: string, password: string) => ({
  auth: Buffer.from(`${username}:${password}`).toString('base64'),
});
const password = (username: string, secret: string) =>
  ({ kind: 'password', username, password: secret }) as const;
const helper = (answers: Record<string, string>) =>
  `#!/bin/sh\nread server\ncase "$server" in\n${Object.entries(answers)
    .map(([server, answer]) => `"${server}") echo '${answer}';;`)
    .join('\n')}\n*) echo "credentials not found" ; exit 1;;\nesac\n`;

const CONFIG = '.docker/config.json';

const ROWS: readonly [string, string, World, RegistryCredentials | undefined][] = [
  ['nothing anywhere is anonymous', 'busybox', {}, undefined],
  [
    'the pair of the host',
    'ghcr.io/a/b',
    { env: { REGISTRY_GHCR_IO_USERNAME: 'u', REGISTRY_GHCR_IO_PASSWORD: 'p' } },
    password('u', 'p'),
  ],
  [
    'dots, dashes and the port become underscores',
    'my-host.local:5000/a/b',
    { env: { REGISTRY_MY_HOST_LOCAL_5000_USERNAME: 'u', REGISTRY_MY_HOST_LOCAL_5000_PASSWORD: 'p' } },
    password('u', 'p'),
  ],
  [
    'Docker Hub under its long name',
    'busybox',
    { env: { REGISTRY_INDEX_DOCKER_IO_USERNAME: 'u', REGISTRY_INDEX_DOCKER_IO_PASSWORD: 'p' } },
    password('u', 'p'),
  ],
  [
    'Docker Hub under its alias (B13)',
    'busybox',
    { env: { REGISTRY_DOCKER_IO_USERNAME: 'u', REGISTRY_DOCKER_IO_PASSWORD: 'p' } },
    password('u', 'p'),
  ],
  ['half a pair is none', 'ghcr.io/a/b', { env: { REGISTRY_GHCR_IO_USERNAME: 'u' } }, undefined],
  [
    'the pair of the host before the general one',
    'ghcr.io/a/b',
    {
      env: {
        REGISTRY_USERNAME: 'g',
        REGISTRY_PASSWORD: 'g',
        REGISTRY_GHCR_IO_USERNAME: 'u',
        REGISTRY_GHCR_IO_PASSWORD: 'p',
      },
    },
    password('u', 'p'),
  ],
  [
    'the general pair before the files',
    'ghcr.io/a/b',
    {
      env: { REGISTRY_USERNAME: 'g', REGISTRY_PASSWORD: 'gp' },
      files: { [CONFIG]: { auths: { 'ghcr.io': auth('f', 'fp') } } },
    },
    password('g', 'gp'),
  ],
  [
    'the general pair only where it may be seen',
    'ghcr.io/a/b',
    {
      env: { REGISTRY_USERNAME: 'g', REGISTRY_PASSWORD: 'gp' },
      files: { [CONFIG]: { auths: { 'ghcr.io': auth('f', 'fp') } } },
      mayUseGeneric: false,
    },
    password('f', 'fp'),
  ],
  [
    'the entry of the repository before that of the host',
    'ghcr.io/a/b',
    {
      files: {
        [CONFIG]: { auths: { 'ghcr.io': auth('host', 'x'), 'ghcr.io/a/b': auth('repository', 'x') } },
      },
    },
    password('repository', 'x'),
  ],
  [
    'Docker Hub in the file',
    'busybox',
    { files: { [CONFIG]: { auths: { 'https://index.docker.io/v1/': auth('u', 'p:with:colons') } } } },
    password('u', 'p:with:colons'),
  ],
  [
    'keys written as URLs',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: { 'https://quay.io/v2/': auth('u', 'p') } } } },
    password('u', 'p'),
  ],
  [
    'an identity token',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: { 'quay.io': { ...auth('u', 'p'), identitytoken: 'token' } } } } },
    { kind: 'identity-token', identityToken: 'token' },
  ],
  [
    'name and password in plain',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: { 'quay.io': { username: 'u', password: 'p' } } } } },
    password('u', 'p'),
  ],
  [
    'an empty entry, as left by a credential store, is none',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: { 'quay.io': {} } } } },
    undefined,
  ],
  [
    'another host is none',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: { 'quay.io.example': auth('u', 'p') } } } },
    undefined,
  ],
  ['a file that is not JSON is passed over', 'quay.io/a/b', { files: { [CONFIG]: '{' } }, undefined],
  [
    'a file of another shape is passed over',
    'quay.io/a/b',
    { files: { [CONFIG]: { auths: [] } } },
    undefined,
  ],
  [
    'DOCKER_CONFIG before the home',
    'quay.io/a/b',
    {
      env: { DOCKER_CONFIG: '{root}/other' },
      files: {
        'other/config.json': { auths: { 'quay.io': auth('other', 'x') } },
        [CONFIG]: { auths: { 'quay.io': auth('home', 'x') } },
      },
    },
    password('other', 'x'),
  ],
  [
    'the general helper',
    'quay.io/a/b',
    {
      files: {
        [CONFIG]: { credsStore: 'test' },
        'bin/docker-credential-test': helper({ 'quay.io': '{"Username":"u","Secret":"p"}' }),
      },
    },
    password('u', 'p'),
  ],
  [
    'the general helper knows Docker Hub by its URL',
    'busybox',
    {
      files: {
        [CONFIG]: { credsStore: 'test' },
        'bin/docker-credential-test': helper({
          'https://index.docker.io/v1/': '{"Username":"u","Secret":"p"}',
        }),
      },
    },
    password('u', 'p'),
  ],
  [
    'a helper of the host before the general one; <token> marks an identity token',
    'quay.io/a/b',
    {
      files: {
        [CONFIG]: { credsStore: 'general', credHelpers: { 'quay.io': 'own' } },
        'bin/docker-credential-general': helper({ 'quay.io': '{"Username":"general","Secret":"p"}' }),
        'bin/docker-credential-own': helper({ 'quay.io': '{"Username":"<token>","Secret":"t"}' }),
      },
    },
    { kind: 'identity-token', identityToken: 't' },
  ],
  [
    'a helper that knows nothing gives way to the file',
    'quay.io/a/b',
    {
      files: {
        [CONFIG]: { credsStore: 'test', auths: { 'quay.io': auth('file', 'x') } },
        'bin/docker-credential-test': helper({}),
      },
    },
    password('file', 'x'),
  ],
  [
    'a helper that is not installed gives way to the file',
    'quay.io/a/b',
    { files: { [CONFIG]: { credsStore: 'absent', auths: { 'quay.io': auth('file', 'x') } } } },
    password('file', 'x'),
  ],
  [
    'a helper that talks nonsense gives way to the file',
    'quay.io/a/b',
    {
      files: {
        [CONFIG]: { credsStore: 'test', auths: { 'quay.io': auth('file', 'x') } },
        'bin/docker-credential-test': helper({ 'quay.io': 'nonsense' }),
      },
    },
    password('file', 'x'),
  ],
  [
    'a helper name that is a path is not run',
    'quay.io/a/b',
    {
      files: {
        [CONFIG]: { credsStore: 'x/../../bin/evil' },
        'bin/evil': helper({ 'quay.io': '{"Username":"u","Secret":"p"}' }),
      },
    },
    undefined,
  ],
  [
    'REGISTRY_AUTH_FILE where Docker has no file, parents of the repository included',
    'quay.io/a/b',
    {
      env: { REGISTRY_AUTH_FILE: '{root}/auth.json' },
      files: { 'auth.json': { auths: { 'quay.io/a': auth('u', 'p') } } },
    },
    password('u', 'p'),
  ],
  [
    'the file of the containers tools where Docker has no file',
    'quay.io/a/b',
    {
      env: { XDG_RUNTIME_DIR: '{root}/run' },
      files: { 'run/containers/auth.json': { auths: { 'quay.io': auth('u', 'p') } } },
    },
    password('u', 'p'),
  ],
  [
    'not the file of the containers tools where Docker has one',
    'quay.io/a/b',
    {
      env: { XDG_RUNTIME_DIR: '{root}/run' },
      files: { [CONFIG]: {}, 'run/containers/auth.json': { auths: { 'quay.io': auth('u', 'p') } } },
    },
    undefined,
  ],
];

describe('findCredentials', () => {
  test.each(ROWS)('%s', async (_name, image, world, expected) => {
    expect(await search(image, world)).toEqual(expected);
  });

  test('does not ask about the general pair when there is none', async () => {
    const options: CredentialSearch = {
      env: {},
      home: root,
      mayUseGeneric: () => {
        throw new Error('asked');
      },
    };
    expect(await findCredentials(parseImageReference('busybox'), options)).toBeUndefined();
  });
});

describe('encodeRegistryAuth', () => {
  const decode = (value: string): unknown => JSON.parse(Buffer.from(value, 'base64url').toString());

  test('a password', () => {
    expect(decode(encodeRegistryAuth(password('ü', '>>>???'), parseImageReference('ghcr.io/a/b')))).toEqual({
      username: 'ü',
      password: '>>>???',
      serveraddress: 'ghcr.io',
    });
  });

  test('an identity token, on Docker Hub', () => {
    const credentials = { kind: 'identity-token', identityToken: 't' } as const;
    expect(decode(encodeRegistryAuth(credentials, parseImageReference('busybox')))).toEqual({
      identitytoken: 't',
      serveraddress: 'https://index.docker.io/v1/',
    });
  });

  test('uses the URL alphabet, padded to groups of four', () => {
    for (const secret of ['???', '???>', '???>>', '~~~~']) {
      const value = encodeRegistryAuth(password('u', secret), parseImageReference('ghcr.io/a/b'));
      expect(value).toMatch(/^[A-Za-z0-9_-]+={0,2}$/);
      expect(value.length % 4).toBe(0);
    }
  });
});
