import { describe, expect, test } from 'bun:test';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverJson, startRegistryServer } from './registry-server.ts';
import { openWorld } from './world.ts';

const HOUR = 3_600_000;
const PROBE = '/v0.1/servers?limit=1&version=latest';
const LIST = '/v0.1/servers?limit=100&version=latest';
const away = () => new Response('out of order', { status: 503 });

async function openApi(servers?: readonly object[]) {
  const server = startRegistryServer(servers);
  const world = await openWorld({ registry_api_url: `${server.url}/`, allow_private_registry_ip: true });
  return {
    server,
    world,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describe('a registry API', () => {
  test('of 500 pages sees one probe, then each page once', async () => {
    const servers = Array.from({ length: 500 }, (_, index) => serverJson(`io.github.a/s${index}`));
    await using api = await openApi(servers.map((server) => server));
    // Small pages whatever is asked for, as a large registry seen through a small window.
    api.server.intercept = (request) => {
      const url = new URL(request.url);
      if (url.searchParams.get('limit') === '1') return undefined;
      const start = Number(url.searchParams.get('cursor') ?? 0);
      return Response.json({
        servers: [{ server: servers[start] }],
        metadata: start < 499 ? { nextCursor: String(start + 1) } : {},
      });
    };
    const { entries } = await api.world.open().list();
    expect(entries).toHaveLength(500);
    expect(api.server.requests.filter((request) => request.includes('limit=1&'))).toEqual([PROBE]);
    expect(api.server.requests).toHaveLength(501);
    expect(api.server.requests[2]).toBe('/v0.1/servers?cursor=1&limit=100&version=latest');
  });

  test('is asked once for all that one process wants of it, also at the same time', async () => {
    await using api = await openApi();
    const registry = api.world.open();
    await Promise.all([registry.list(), registry.find('one'), registry.search('one')]);
    await registry.list();
    expect(api.server.requests).toEqual([PROBE, LIST]);
  });

  test('that repeats a cursor is not followed for ever', async () => {
    await using api = await openApi();
    api.server.intercept = () => Response.json({ servers: [], metadata: { nextCursor: 'again' } });
    await expect(api.world.open().list()).rejects.toThrow('the cursor again came twice');
  });

  test('of more than 10000 servers is refused', async () => {
    await using api = await openApi();
    const page = Array.from({ length: 5001 }, (_, index) => ({ server: { name: `a/${index}` } }));
    let pages = 0;
    api.server.intercept = () => {
      pages += 1;
      return Response.json({ servers: page, metadata: { nextCursor: `c${pages}` } });
    };
    await expect(api.world.open().list()).rejects.toThrow('exceeded maximum server limit (10000)');
  });

  test.each([
    [
      'not JSON',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      'did not answer like a registry API',
    ],
    [
      'servers that are no list',
      () => Response.json({ servers: 'all' }),
      'did not answer like a registry API',
    ],
    [
      'an error with its own words',
      () => new Response('no such thing', { status: 418 }),
      'registry API returned status 418 for',
    ],
  ])('whose answer is %s is not usable', async (_what, response, message) => {
    await using api = await openApi();
    api.server.intercept = () => response();
    await expect(api.world.open().list()).rejects.toThrow(message);
    await expect(api.world.open().list()).rejects.toThrow(
      new RegExp(
        `^custom registry API at ${api.server.url}/ is not reachable: upstream registry at ${api.server.url}/ is unavailable: `,
      ),
    );
  });

  test('an error body is quoted up to 4096 bytes, never inside a character', async () => {
    await using api = await openApi();
    api.server.intercept = () => new Response(`x${'ä'.repeat(5000)}`, { status: 500 });
    const error: unknown = await api.world
      .open()
      .list()
      .catch((reason: unknown) => reason);
    expect((error as Error).message).toEndWith(`: x${'ä'.repeat(2047)}`);
  });

  test.each([
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
  ])('that answers %d without a login set up says what to do', async (status, word) => {
    await using api = await openApi();
    api.server.intercept = () => new Response('', { status });
    await expect(api.world.open().list()).rejects.toThrow(
      `registry at ${api.server.url} returned ${status} ${word}. If it needs a login, run 'thv config set-registry <registry-url> --issuer <issuer-url> --client-id <client-id>' to configure it: registry authentication required: run 'thv registry login' to authenticate`,
    );
  });

  test('entries that cannot be used are listed and logged', async () => {
    await using api = await openApi([
      serverJson('io.github.a/one'),
      { name: 'io.github.a/npm', packages: [{ registryType: 'npm' }] },
    ]);
    const { entries, skipped } = await api.world.open().list();
    expect(entries.map(({ name }) => name)).toEqual(['io.github.a/one']);
    expect(skipped).toEqual([{ name: 'io.github.a/npm', reason: 'has no OCI package (found: npm)' }]);
    expect(api.world.log).toContainEqual(
      expect.objectContaining({ level: 'DEBUG', msg: 'registry entry skipped', server: 'io.github.a/npm' }),
    );
  });
});

describe('what an API registry said before', () => {
  test('is used for an hour without asking', async () => {
    await using api = await openApi();
    await api.world.open().list();
    await api.world.age(HOUR - 60_000);
    api.server.requests.length = 0;
    expect((await api.world.open().find('one')).name).toBe('io.github.a/one');
    expect(api.server.requests).toEqual([]);
  });

  test('tells of entries that cannot be used as the registry did', async () => {
    await using api = await openApi([serverJson('io.github.a/one'), { name: 'io.github.a/npm' }]);
    const { skipped } = await api.world.open().list();
    expect(skipped).toHaveLength(1);
    api.server.intercept = away;
    expect((await api.world.open().list()).skipped).toEqual(skipped);
  });

  test('is asked for again after an hour, and on demand', async () => {
    await using api = await openApi();
    await api.world.open().list();
    api.server.servers = [serverJson('io.github.a/two')];
    const names = async (refresh: boolean) =>
      (await api.world.open().list({ refresh })).entries.map(({ name }) => name);
    expect(await names(false)).toEqual(['io.github.a/one']);
    expect(await names(true)).toEqual(['io.github.a/two']);
    api.server.servers = [serverJson('io.github.a/three')];
    await api.world.age(HOUR + 60_000);
    expect(await names(false)).toEqual(['io.github.a/three']);
  });

  test.each([
    ['a server error', away],
    ['no answer at all', undefined],
  ])('stands in for %s, with a warning', async (_what, response) => {
    await using api = await openApi();
    await api.world.open().list();
    await api.world.age(6 * 24 * HOUR);
    if (response === undefined) await api.server[Symbol.asyncDispose]();
    else api.server.intercept = response;
    expect((await api.world.open().list()).entries).toHaveLength(1);
    expect(api.world.log.map(({ level, msg }) => `${level} ${msg}`)).toContain(
      'WARN the registry is not reachable, using what it said before',
    );
  });

  test('stands in for an outage in a running server too', async () => {
    await using api = await openApi();
    const registry = api.world.open();
    await registry.list();
    api.server.intercept = away;
    expect((await registry.list({ refresh: true })).entries).toHaveLength(1);
  });

  test('stands in for a minute without asking again, unless on demand', async () => {
    await using api = await openApi();
    await api.world.open().list();
    await api.world.age(2 * HOUR);
    api.server.intercept = away;
    const registry = api.world.open();
    await registry.list();
    api.server.requests.length = 0;
    expect((await registry.list()).entries).toHaveLength(1);
    expect(api.server.requests).toEqual([]);
    await registry.list({ refresh: true });
    expect(api.server.requests).toEqual(['/v0.1/servers?limit=1&version=latest']);
  });

  test.each([401, 403])('never stands in for a refused login (%d)', async (status) => {
    await using api = await openApi();
    await api.world.open().list();
    await api.world.age(2 * HOUR);
    api.server.intercept = () => new Response('', { status });
    await expect(api.world.open().list()).rejects.toThrow('registry authentication required');
  });

  test('is of no use after a week', async () => {
    await using api = await openApi();
    await api.world.open().list();
    await api.world.age(8 * 24 * HOUR);
    api.server.intercept = away;
    await expect(api.world.open().list()).rejects.toThrow('is unavailable');
    expect(await api.world.cacheFiles()).toEqual([]);
  });

  test.each([
    ['half a file', '{"servers": {'],
    ['another thing', '[1, 2]'],
    ['an entry of wrong types', '{"servers": {"x": {"image": 7}}}'],
  ])('is deleted when it holds %s', async (_what, text) => {
    await using api = await openApi();
    await api.world.open().list();
    const [file = ''] = await api.world.cacheFiles();
    await writeFile(join(api.world.cacheFolder, file), text);
    api.server.intercept = away;
    await expect(api.world.open().list()).rejects.toThrow('is unavailable');
    expect(await api.world.cacheFiles()).toEqual([]);
  });

  test('is deleted when it is larger than 10 MiB, and not written when it would be', async () => {
    await using api = await openApi();
    await api.world.open().list();
    const [file = ''] = await api.world.cacheFiles();
    await writeFile(
      join(api.world.cacheFolder, file),
      `{"servers": {}, "x": "${'x'.repeat(11 * 1024 * 1024)}"}`,
    );
    api.server.servers = [serverJson('io.github.a/big', { description: 'x'.repeat(11 * 1024 * 1024) })];
    expect((await api.world.open().list()).entries).toHaveLength(1);
    expect(await api.world.cacheFiles()).toEqual([]);
  });

  test('is kept readable by its owner alone, in the legacy layout, under a name made from the URL', async () => {
    await using api = await openApi();
    await api.world.open().list();
    const [file = ''] = await api.world.cacheFiles();
    const path = join(api.world.cacheFolder, file);
    const hash = new Bun.CryptoHasher('sha256').update(`${api.server.url}/`).digest('hex').slice(0, 8);
    expect(file).toBe(`registry-${hash}.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await Bun.file(path).json()).toMatchObject({
      version: '1.0.0',
      servers: { 'io.github.a/one': { image: 'img/one:1', tools: null } },
    });
  });

  test('old files of ours are cleared away, files of others stay', async () => {
    await using api = await openApi();
    await api.world.open().list();
    await writeFile(join(api.world.cacheFolder, 'registry-01234567.json'), '{}');
    await writeFile(join(api.world.cacheFolder, 'somebody-elses.json'), '{}');
    await writeFile(join(api.world.cacheFolder, 'registry-notes.json'), '{}');
    await api.world.age(30 * 24 * HOUR);
    await api.world.open().list();
    const [file = ''] = (await api.world.cacheFiles()).filter((name) => /^registry-[0-9a-f]{8}/.test(name));
    expect((await api.world.cacheFiles()).toSorted()).toEqual(
      [file, 'registry-notes.json', 'somebody-elses.json'].toSorted(),
    );
    expect(file).not.toBe('registry-01234567.json');
  });
});

describe('a server that the list does not have', () => {
  const late = (name: string) => serverJson(name);

  test('is asked for under the names it may have, the slash escaped', async () => {
    await using api = await openApi([]);
    await expect(api.world.open().find('late')).rejects.toThrow('server not found: late');
    expect(api.server.requests.slice(2)).toEqual([
      '/v0.1/servers/io.github.stacklok%2Flate/versions/latest',
      '/v0.1/servers/late/versions/latest',
      '/v0.1/servers?search=late&version=latest',
    ]);
  });

  test.each([
    ['late', 'io.github.stacklok/late'],
    ['io.github.x/late', 'io.github.x/late'],
    ['late', 'io.github.other/late'],
  ])('is found as %s when it is %s', async (typed, name) => {
    await using api = await openApi([]);
    const registry = api.world.open();
    await registry.list();
    api.server.servers = [late(name)];
    expect((await registry.find(typed)).name).toBe(name);
  });

  test('is ambiguous when the search finds several', async () => {
    await using api = await openApi([]);
    const registry = api.world.open();
    await registry.list();
    api.server.servers = [late('b.b/late'), late('a.a/late'), late('a.a/x/late')];
    await expect(registry.find('late')).rejects.toThrow(
      "multiple servers match 'late': a.a/late, b.b/late — use the full name",
    );
  });

  test('is not asked for when the word is an image reference', async () => {
    await using api = await openApi([]);
    const registry = api.world.open();
    await registry.list();
    api.server.requests.length = 0;
    await expect(registry.find('ghcr.io/a/b:latest')).rejects.toThrow('server not found');
    expect(api.server.requests).toEqual([]);
  });

  test('is not found while the registry is out of order and an old list is used', async () => {
    await using api = await openApi();
    const registry = api.world.open();
    await registry.list();
    api.server.intercept = away;
    await expect(registry.find('late')).rejects.toThrow('server not found: late');
  });
});

test('requests say who asks', async () => {
  await using api = await openApi();
  const agents: (string | null)[] = [];
  api.server.intercept = (request) => {
    agents.push(request.headers.get('user-agent'));
    return undefined;
  };
  await api.world.open().list();
  expect(agents[0]).toBe(`ToolHive/1.2.3 (${process.platform}/${process.arch})`);
});

test('a registry that never answers is given up when its caller gives up', async () => {
  await using api = await openApi();
  api.server.intercept = () => new Promise<Response>(() => undefined);
  const giveUp = new AbortController();
  const listing = api.world.open().list({ signal: giveUp.signal });
  giveUp.abort(new Error('enough'));
  await expect(listing).rejects.toThrow('enough');
});
