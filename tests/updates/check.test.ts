import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findUpdate } from '../../src/updates/index.ts';
import { startApi } from '../api/server.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

interface Endpoint extends AsyncDisposable {
  readonly url: string;
  /** Headers of each request. */
  readonly headers: readonly Readonly<Record<string, string>>[];
}

function openEndpoint(answer: () => Response | Promise<Response>): Endpoint {
  const headers: Record<string, string>[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      headers.push(Object.fromEntries(request.headers));
      return answer();
    },
  });
  return { url: server.url.href, headers, [Symbol.asyncDispose]: () => server.stop(true) };
}

const telling = (version: string) => openEndpoint(() => Response.json({ version }));

const fileOf = (world: World) => join(world.data, 'updates.json');
const read = async (world: World) => JSON.parse(await readFile(fileOf(world), 'utf8'));

async function write(world: World, content: string): Promise<void> {
  await mkdir(world.data, { recursive: true });
  await writeFile(fileOf(world), content);
}

function check(world: World, url: string, facts: Partial<Parameters<typeof findUpdate>[0]> = {}) {
  return findUpdate({
    url,
    paths: { data: world.data },
    component: 'CLI',
    version: 'v1.0.0',
    platform: 'linux/amd64',
    signal: new AbortController().signal,
    ...facts,
  });
}

describe('asking for a newer version', () => {
  test.each([
    ['v1.0.0', 'v1.0.1', 'v1.0.1'],
    ['1.0.0', 'v2.0.0', 'v2.0.0'],
    ['v1.10.0', 'v1.9.0', undefined],
    ['v1.0.0', 'v1.0.0', undefined],
    ['build-12345678', 'v9.0.0', undefined],
    ['v1.0.0', 'rubbish', undefined],
  ])('%s hears of %s: %p', async (version, latest, expected) => {
    await using world = await openWorld(undefined);
    await using endpoint = telling(latest);
    expect(await check(world, endpoint.url, { version })).toBe(expected as string);
  });

  test('once in half an hour for each component, and what is known counts in between', async () => {
    await using world = await openWorld(undefined);
    await using endpoint = telling('v1.2.0');
    const at = (time: string) => () => new Date(`2026-01-01T${time}Z`);
    await check(world, endpoint.url, { now: at('10:00:00') });
    expect(await check(world, endpoint.url, { now: at('10:29:59') })).toBe('v1.2.0');
    expect(endpoint.headers).toHaveLength(1);
    await check(world, endpoint.url, { now: at('10:29:59'), component: 'API' });
    expect(endpoint.headers).toHaveLength(2);
    await check(world, endpoint.url, { now: at('10:30:00') });
    expect(endpoint.headers).toHaveLength(3);
    expect(await read(world)).toEqual({
      instance_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      latest_version: 'v1.2.0',
      components: {
        CLI: { last_check: '2026-01-01T10:30:00.000Z' },
        API: { last_check: '2026-01-01T10:29:59.000Z' },
      },
    });
    const ids = new Set(endpoint.headers.map((headers) => headers['x-instance-id']));
    expect([...ids]).toEqual([(await read(world)).instance_id]);
  });

  test.each([
    ['v1.2.3', 'toolhive/CLI v1.2.3 release (linux/amd64)'],
    ['build-12345678', 'toolhive/CLI vbuild-12345678 local_build (linux/amd64)'],
  ])('%s says who asks', async (version, agent) => {
    await using world = await openWorld(undefined);
    await using endpoint = telling('v1.0.0');
    await check(world, endpoint.url, { version });
    expect(endpoint.headers[0]?.['user-agent']).toBe(agent);
  });

  test('a broken file keeps the id of the installation, a newer one what it holds besides', async () => {
    await using world = await openWorld(undefined);
    await using endpoint = telling('v1.2.0');
    await write(world, `{"instance_id":"${ID}","latest_ver`);
    await check(world, endpoint.url);
    expect((await read(world)).instance_id).toBe(ID);
    await write(world, `{"instance_id":"${ID}","future":1}`);
    await check(world, endpoint.url);
    expect(await read(world)).toMatchObject({ instance_id: ID, future: 1, latest_version: 'v1.2.0' });
  });

  test.each([
    ['an error', () => new Response('no', { status: 500 }), 'answered with status 500'],
    ['something else', () => Response.json({ v: 1 }), 'told no version'],
    ['no JSON', () => new Response('<html>'), 'JSON'],
  ])('%s changes nothing', async (_, answer, reason) => {
    await using world = await openWorld(undefined);
    await using endpoint = openEndpoint(answer);
    await expect(check(world, endpoint.url)).rejects.toThrow(reason);
    expect(await Bun.file(fileOf(world)).exists()).toBe(false);
  });

  test('whoever does not answer is given up', async () => {
    await using world = await openWorld(undefined);
    await using endpoint = openEndpoint(() => new Promise(() => undefined));
    await expect(check(world, endpoint.url)).rejects.toThrow('no answer within 3 s');
  });
});

describe('the executable', () => {
  /** A user whose `secret get` takes as long as the check needs, with an endpoint or none. */
  async function openUser(url: string | undefined) {
    const world = await openWorld(undefined);
    const script = 'n=0; while [ ! -e go ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done; echo "$1"';
    await world.ok(['secret', 'provider', 'exec', '--', 'sh', '-c', script, 'sh', '{name}']);
    const config = join(world.folder, 'config/toolhive/config.yaml');
    if (url !== undefined)
      await writeFile(config, `${await readFile(config, 'utf8')}update_check_url: ${url}\n`);
    const go = () => writeFile(join(world.work, 'go'), '');
    return { ...world, go };
  }

  test('asks the endpoint that the user named, beside the command', async () => {
    await using endpoint = telling('v99.0.0');
    await using user = await openUser(endpoint.url);
    const running = user.start(['secret', 'get', 'a']);
    await waitFor(
      () => Bun.file(fileOf(user)).exists(),
      (isThere) => isThere,
      { what: 'the answer is kept' },
    );
    await user.go();
    // A local build is never told to be old.
    expect(await running.finished()).toMatchObject({ exitCode: 0, stdout: 'a\n', stderr: '' });
    expect(endpoint.headers).toHaveLength(1);
    expect(endpoint.headers[0]?.['user-agent']).toMatch(
      /^toolhive\/CLI v\S+ (local_build|release) \(\w+\/\w+\)$/,
    );
  });

  test.each([
    ['switched off', { TOOLHIVE_SKIP_UPDATE_CHECK: 'TRUE' }],
    ['on a build service', { CI: '1' }],
    ['in a detached process', { TOOLHIVE_DETACHED: '1' }],
  ])('asks nobody %s, while another command does', async (_, env) => {
    await using endpoint = telling('v99.0.0');
    await using user = await openUser(endpoint.url);
    const silent = user.start(['secret', 'get', 'a'], { env });
    const other = user.start(['secret', 'get', 'b']);
    await waitFor(
      () => Bun.file(fileOf(user)).exists(),
      (isThere) => isThere,
      { what: 'the other command has its answer' },
    );
    await user.go();
    expect(await silent.finished()).toMatchObject({ exitCode: 0, stdout: 'a\n' });
    expect(await other.finished()).toMatchObject({ exitCode: 0, stdout: 'b\n' });
    expect(endpoint.headers).toHaveLength(1);
  });

  test('is held back by no endpoint that does not answer', async () => {
    await using endpoint = openEndpoint(() => new Promise(() => undefined));
    await using user = await openUser(endpoint.url);
    await user.go();
    const startedAt = performance.now();
    expect(await user.thv(['secret', 'get', 'a'])).toEqual({ exitCode: 0, stdout: 'a\n', stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(2500);
  });

  test('without an endpoint writes nothing about it', async () => {
    await using user = await openUser(undefined);
    await user.go();
    await user.ok(['secret', 'get', 'a']);
    expect(await Bun.file(fileOf(user)).exists()).toBe(false);
  });

  test('an endpoint that fails costs a line in the log', async () => {
    await using endpoint = openEndpoint(() => new Response('no', { status: 500 }));
    await using user = await openUser(endpoint.url);
    const running = user.start(['secret', 'get', 'a']);
    await waitFor(
      () => running.stderr,
      (stderr) => stderr.includes('\n'),
      { what: 'the failure is logged' },
    );
    await user.go();
    const { exitCode, stdout, stderr } = await running.finished();
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'a\n' });
    expect(JSON.parse(stderr)).toMatchObject({ level: 'WARN', msg: 'could not check for updates' });
  });
});

describe('the API server', () => {
  async function openUser(url: string) {
    const world = await openWorld(undefined);
    await mkdir(join(world.folder, 'config/toolhive'), { recursive: true });
    await writeFile(join(world.folder, 'config/toolhive/config.yaml'), `update_check_url: ${url}\n`);
    return world;
  }
  const agents = (endpoint: Endpoint) =>
    endpoint.headers.map((headers) => headers['user-agent']).filter((agent) => !agent?.includes('/CLI '));

  test('asks behind a request, once for itself and once for the desktop program, which says who it is', async () => {
    await using endpoint = telling('v99.0.0');
    await using user = await openUser(endpoint.url);
    await using api = await startApi(user);
    const desktop = { 'X-Client-Type': 'toolhive-studio', 'X-Client-Version': '1.2.3' };
    for (const headers of [{}, {}, desktop, { ...desktop, 'X-Client-Version': 'a b' }])
      expect((await api.ask('GET', '/nowhere', { headers })).status).toBe(404);
    await waitFor(
      () => agents(endpoint).length,
      (count) => count >= 2,
      { what: 'both have asked' },
    );
    expect(agents(endpoint).sort()).toEqual([
      expect.stringMatching(/^toolhive\/API v\S+ (release|local_build) \(\w+\/\w+\)$/),
      expect.stringMatching(/^toolhive\/UI v1\.2\.3 local_build \(/),
    ]);
    await waitFor(
      async () => Object.keys((await read(user)).components),
      (components) => components.includes('UI') && components.includes('API'),
      { what: 'both are recorded' },
    );
  });

  test('takes the word of the desktop program that it is a release', async () => {
    await using endpoint = telling('v99.0.0');
    await using user = await openUser(endpoint.url);
    await using api = await startApi(user);
    const headers = {
      'X-Client-Type': 'toolhive-studio',
      'X-Client-Version': '1.2.3',
      'X-Client-Release-Build': 'true',
    };
    await api.ask('GET', '/nowhere', { headers });
    await waitFor(
      () => agents(endpoint),
      (seen) => seen.some((agent) => agent?.startsWith('toolhive/UI v1.2.3 release (')),
      { what: 'it has asked' },
    );
  });

  test('answers before the endpoint does, and ends before it does', async () => {
    await using endpoint = openEndpoint(() => new Promise(() => undefined));
    await using user = await openUser(endpoint.url);
    await using api = await startApi(user);
    const startedAt = performance.now();
    expect((await api.ask('GET', '/api/v1beta/version')).status).toBe(200);
    expect(await api.end()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  test.each([{ TOOLHIVE_SKIP_UPDATE_CHECK: 'true' }, { CI: '1' }])('asks nobody with %j', async (env) => {
    await using endpoint = telling('v99.0.0');
    await using user = await openUser(endpoint.url);
    await using api = await startApi(user, [], env);
    await api.ask('GET', '/api/v1beta/version');
    expect(await api.end()).toBe(0);
    expect(endpoint.headers).toEqual([]);
  });
});
