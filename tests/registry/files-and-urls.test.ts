import { describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverJson, startRegistryServer } from './registry-server.ts';
import { openWorld } from './world.ts';

const LEGACY =
  'registry file appears to be in the legacy ToolHive format; run `thv registry convert --in <path> --in-place` to migrate to the upstream MCP format';
const upstream = (servers: readonly object[], more: object = {}) => ({
  version: '1.0.0',
  meta: { last_updated: '2026-01-31T00:00:00Z' },
  data: { servers },
  ...more,
});
const ONE = upstream([serverJson('io.github.a/one')]);

describe('the built-in catalog', () => {
  test('has every one of its entries usable, and those that people rely on', async () => {
    await using world = await openWorld();
    const registry = world.open();
    const { entries, skipped } = await registry.list();
    expect(skipped).toEqual([]);
    expect(entries.length).toBeGreaterThanOrEqual(60);
    expect((await registry.find('osv')).name).toBe('io.github.stacklok/osv');
    expect((await registry.find('fetch')).kind).toBe('container');
    expect(await registry.source()).toEqual({ kind: 'default', location: '' });
  });

  test('a mistyped name is answered with close ones', async () => {
    await using world = await openWorld();
    await expect(world.open().find('fecth')).rejects.toThrow(
      "server not found: fecth. Hint: did you mean fetch? use 'thv registry list' to see available servers",
    );
    expect(await world.open().closeNames('fecth')).toEqual(['fetch']);
  });
});

describe('a file', () => {
  async function openFile(content: string | object) {
    const world = await openWorld();
    const path = join(world.folder, 'registry.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    await writeFile(join(world.paths.config, 'config.yaml'), JSON.stringify({ local_registry_path: path }));
    return Object.assign(world, { path });
  }

  test('is read on every use', async () => {
    await using world = await openFile(ONE);
    const registry = world.open();
    expect(await registry.source()).toEqual({ kind: 'file', location: world.path });
    expect((await registry.list()).entries).toHaveLength(1);
    await writeFile(world.path, JSON.stringify(upstream([])));
    expect((await registry.list()).entries).toHaveLength(0);
  });

  const legacy = { version: '1.0.0', servers: {} };
  test.each([
    ['legacy', legacy, LEGACY],
    ['legacy by one null key', { remote_servers: null }, LEGACY],
    ['legacy with data that is a list', { ...legacy, data: [] }, LEGACY],
    ['legacy by its groups', { groups: [] }, LEGACY],
    ['not JSON', '{', 'failed to parse registry data: '],
    ['empty', '', 'failed to parse registry data: '],
    ['another object', { hello: 1 }, 'not in the upstream registry format: no object named "data"'],
    ['data of null', { data: null }, 'not in the upstream registry format'],
    ['a list', '[]', 'not in the upstream registry format'],
    ['upstream with servers that are no list', { data: { servers: 1 } }, 'data.servers is not a list'],
  ])('that is %s is refused', async (_what, content, message) => {
    await using world = await openFile(content);
    await expect(world.open().list()).rejects.toThrow(`registry at ${world.path}: ${message}`);
  });

  test('that is both is upstream', async () => {
    await using world = await openFile({ ...ONE, servers: {} });
    expect((await world.open().list()).entries).toHaveLength(1);
  });

  test('that is not there is an error that names it', async () => {
    await using world = await openWorld({ local_registry_path: '/nowhere/registry.json' });
    await expect(world.open().list()).rejects.toThrow(
      'failed to read local registry file /nowhere/registry.json: ',
    );
  });
});

describe('a URL', () => {
  async function openUrl(answer: () => Response) {
    const server = startRegistryServer();
    server.intercept = answer;
    const url = `${server.url}/registry.json`;
    const world = await openWorld({ registry_url: url, allow_private_registry_ip: true });
    return {
      server,
      url,
      world,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await world[Symbol.asyncDispose]();
      },
    };
  }

  test('is fetched once for all that one process wants of it', async () => {
    await using file = await openUrl(() => Response.json(ONE));
    const registry = file.world.open();
    await Promise.all([registry.find('one'), registry.list()]);
    expect((await registry.search('one')).map(({ name }) => name)).toEqual(['io.github.a/one']);
    await registry.list({ refresh: true });
    expect(file.server.requests).toEqual(['/registry.json']);
  });

  test('is fetched anew when the configuration may have changed', async () => {
    await using file = await openUrl(() => Response.json(ONE));
    const registry = file.world.open();
    await registry.list();
    registry.reset();
    await registry.list();
    expect(file.server.requests).toHaveLength(2);
  });

  test('that failed is tried again', async () => {
    await using file = await openUrl(() => new Response('', { status: 500 }));
    const registry = file.world.open();
    await expect(registry.list()).rejects.toThrow();
    file.server.intercept = () => Response.json(ONE);
    expect((await registry.list()).entries).toHaveLength(1);
  });

  test.each([
    [
      'a status',
      () => new Response('', { status: 404 }),
      'registry validation failed: registry returned status 404 from URL',
    ],
    [
      'no items',
      () => Response.json(upstream([])),
      'registry at URL returned upstream format with no servers, skills, or plugins',
    ],
    ['no JSON', () => new Response('<html>'), 'registry at URL: failed to parse registry data: '],
  ])('that gives %s is refused', async (_what, answer, message) => {
    await using file = await openUrl(answer);
    await expect(file.world.open().list()).rejects.toThrow(
      `custom registry at ${file.url} is not reachable: ${message.replace('URL', file.url)}`,
    );
  });

  test('with skills only is one', async () => {
    await using file = await openUrl(() => Response.json({ data: { servers: [], skills: [{}] } }));
    expect((await file.world.open().list()).entries).toEqual([]);
  });

  test('in the legacy format is refused, even when it is upstream as well', async () => {
    await using file = await openUrl(() => Response.json({ ...ONE, servers: {} }));
    await expect(file.world.open().list()).rejects.toThrow(`registry at ${file.url}: ${LEGACY}`);
  });

  test('in a private network is refused unless that is allowed', async () => {
    await using world = await openWorld({ registry_url: 'https://127.0.0.1:1/registry.json' });
    await expect(world.open().list()).rejects.toThrow(
      'custom registry at https://127.0.0.1:1/registry.json is not reachable: the provided URL redirects to a private IP address, which is not allowed',
    );
  });
});

test('an API comes before a URL, a URL before a file', async () => {
  const all = { registry_api_url: 'https://api', registry_url: 'https://url', local_registry_path: '/file' };
  const sourceOf = async (config: object) => {
    await using world = await openWorld({ ...config });
    return (await world.open().source()).location;
  };
  expect(await sourceOf(all)).toBe('https://api');
  expect(await sourceOf({ ...all, registry_api_url: '' })).toBe('https://url');
  expect(await sourceOf({ local_registry_path: '/file' })).toBe('/file');
});
