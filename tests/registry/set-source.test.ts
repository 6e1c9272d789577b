import { describe, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConfigStore } from '../../src/config/index.ts';
import { setSource, unsetSource } from '../../src/registry/index.ts';
import { serverJson, startRegistryServer } from './registry-server.ts';
import { openWorld, type World } from './world.ts';

const BEFORE = {
  registry_url: 'https://before.example/r.json',
  registry_auth: { type: 'oauth', oauth: { issuer: 'https://i', client_id: 'c' } },
};
const REGISTRY = JSON.stringify({ data: { servers: [serverJson('io.github.a/one')] } });

const set = (world: World, location: string, allowPrivateAddress = true) =>
  setSource({ location, allowPrivateAddress }, { paths: world.paths, env: {} });

async function registryPart(world: World) {
  const { registry_api_url, registry_url, local_registry_path, allow_private_registry_ip, registry_auth } =
    await createConfigStore(world.paths).read();
  return { registry_api_url, registry_url, local_registry_path, allow_private_registry_ip, registry_auth };
}

const NONE = {
  registry_api_url: '',
  registry_url: '',
  local_registry_path: '',
  allow_private_registry_ip: false,
  registry_auth: undefined,
};

describe('what a location is', () => {
  test('a URL that answers like a registry API', async () => {
    await using server = startRegistryServer();
    await using world = await openWorld(BEFORE);
    await set(world, server.url);
    expect(server.requests).toEqual(['/v0.1/servers?limit=1&version=latest']);
    expect(await registryPart(world)).toEqual({
      ...NONE,
      registry_api_url: server.url,
      allow_private_registry_ip: true,
    });
  });

  test.each([401, 403])('a URL that wants a login (%d) is an API', async (status) => {
    await using server = startRegistryServer();
    server.intercept = () => new Response('', { status });
    await using world = await openWorld();
    expect((await set(world, server.url)).kind).toBe('api');
  });

  test.each([
    ['another content type', () => new Response('{"servers":[],"metadata":{}}')],
    ['no metadata', () => Response.json({ servers: [] })],
    ['an error', () => new Response('', { status: 500 })],
  ])('a URL that answers the probe with %s is a file', async (_what, probe) => {
    await using server = startRegistryServer();
    server.intercept = (request) => (request.url.includes('/v0.1/') ? probe() : new Response(REGISTRY));
    await using world = await openWorld();
    expect(await set(world, server.url)).toEqual({ kind: 'url', location: server.url });
  });

  test('a URL ending in .json is a file and not probed', async () => {
    await using server = startRegistryServer();
    server.intercept = () => new Response(REGISTRY);
    await using world = await openWorld(BEFORE);
    await set(world, `${server.url}/r.json`);
    expect(server.requests).toEqual(['/r.json']);
    expect(await registryPart(world)).toEqual({
      ...NONE,
      registry_url: `${server.url}/r.json`,
      allow_private_registry_ip: true,
    });
  });

  test.each(['', 'file://'])('everything else is a path (%j)', async (prefix) => {
    await using world = await openWorld(BEFORE);
    const path = join(world.folder, 'R.JSON');
    await writeFile(path, REGISTRY);
    await set(world, prefix + path);
    expect(await registryPart(world)).toEqual({ ...NONE, local_registry_path: path });
  });
});

describe('a source that will not do changes nothing', () => {
  const answers: readonly (readonly [string, () => Response, string])[] = [
    [
      '404',
      () => new Response('', { status: 404 }),
      'registry validation failed: registry returned status 404 from URL',
    ],
    [
      '500',
      () => new Response('', { status: 500 }),
      'registry validation failed: registry returned status 500 from URL',
    ],
    [
      'a legacy file',
      () => Response.json({ servers: {} }),
      'registry at URL: registry file appears to be in the legacy',
    ],
    [
      'nothing in it',
      () => Response.json({ data: { servers: [] } }),
      'registry at URL returned upstream format with no servers',
    ],
    ['no JSON', () => new Response('hello'), 'registry at URL: failed to parse registry data'],
  ];
  test.each(answers)('a URL with %s', async (_what, answer, original) => {
    await using server = startRegistryServer();
    server.intercept = answer;
    const url = `${server.url}/r.json`;
    await using world = await openWorld(BEFORE);
    const before = await readFile(join(world.paths.config, 'config.yaml'), 'utf8');
    const error: Error = await set(world, url).then(
      () => new Error('accepted'),
      (reason: Error) => reason,
    );
    expect(error.message).toStartWith('validation failed\n');
    expect(error.message).toContain(`\nOriginal error: ${original.replace('URL', url)}`);
    expect(await readFile(join(world.paths.config, 'config.yaml'), 'utf8')).toBe(before);
  });

  test('a URL where nobody listens', async () => {
    await using world = await openWorld(BEFORE);
    await expect(set(world, 'http://127.0.0.1:1')).rejects.toThrow(
      /^connection failed\n.*\nOriginal error: /,
    );
    expect((await registryPart(world)).registry_url).toBe(BEFORE.registry_url);
  });

  test('a URL that does not answer', async () => {
    await using server = startRegistryServer();
    server.intercept = () => new Promise<Response>(() => undefined);
    await using world = await openWorld(BEFORE);
    await expect(set(world, server.url)).rejects.toThrow(
      /^connection timed out after 5 seconds\n.*\nOriginal error: /,
    );
  }, 20_000);

  test('an API in a private network, without leave', async () => {
    await using world = await openWorld(BEFORE);
    await expect(set(world, 'https://127.0.0.1:1', false)).rejects.toThrow(
      /^connection failed\n.*--allow-private-ip\.\nOriginal error: the provided URL redirects to a private IP address, which is not allowed$/,
    );
  });

  test('plain http, without leave', async () => {
    await using world = await openWorld(BEFORE);
    await expect(set(world, 'http://example.com/r.json', false)).rejects.toThrow(
      'failed to set url: failed to set remote registry: invalid registry URL: URL must start with https://',
    );
  });

  const files: readonly (readonly [string, string, string, string])[] = [
    ['another name', 'r.yaml', REGISTRY, 'does not end in .json'],
    ['no JSON', 'r.json', '{', 'failed to parse registry data'],
    ['no items', 'r.json', '{"data": {"servers": []}}', 'holds no servers, skills, or plugins'],
    ['the legacy format', 'r.json', '{"servers": {}}', 'thv registry convert'],
    ['the legacy format beside the upstream one', 'r.json', `{"groups": [], ${REGISTRY.slice(1)}`, 'legacy'],
  ];
  test.each(files)('a file with %s', async (_what, name, content, message) => {
    await using world = await openWorld(BEFORE);
    const path = join(world.folder, name);
    await writeFile(path, content);
    const failing = set(world, path);
    await expect(failing).rejects.toThrow(/^validation failed\n/);
    await expect(failing).rejects.toThrow(message);
    expect((await registryPart(world)).registry_url).toBe(BEFORE.registry_url);
  });

  test('a file that is not there', async () => {
    await using world = await openWorld(BEFORE);
    await expect(set(world, '/nowhere.json')).rejects.toThrow(
      'failed to set file: local registry file not found or not accessible: ',
    );
  });

  test('a good source with an issuer that does not answer', async () => {
    await using world = await openWorld(BEFORE);
    const path = join(world.folder, 'r.json');
    await writeFile(path, REGISTRY);
    const login = { issuer: 'http://127.0.0.1:1', clientId: 'c', scopes: [], audience: '' };
    await expect(
      setSource({ location: path, allowPrivateAddress: false, login }, { paths: world.paths, env: {} }),
    ).rejects.toThrow('OIDC discovery of http://127.0.0.1:1 failed: ');
    expect((await registryPart(world)).registry_url).toBe(BEFORE.registry_url);
  });
});

test('unset goes back to the built-in catalog and forgets the login', async () => {
  await using world = await openWorld({ ...BEFORE, allow_private_registry_ip: true });
  await unsetSource({ paths: world.paths });
  expect(await registryPart(world)).toEqual(NONE);
});
