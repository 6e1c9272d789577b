import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { createEngine, engineRequest } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { freePort, occupyPort } from '../harness/ports.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';
import { openEvents } from './sse.ts';

const socket = process.env['THV_TEST_DOCKER_SOCKET'] ?? '';
/** An image that does not exist, at a registry that answers where there is one: an unreachable registry is another error. */
const ABSENT_IMAGE = `${process.env['THV_TEST_REGISTRY'] ?? '127.0.0.1:1'}/thv-test/nothing:1`;
if (socket === '')
  process.stderr.write('SKIPPED tests/api/workloads.test.ts: THV_TEST_DOCKER_SOCKET names no engine\n');

describe.skipIf(socket === '')('workloads over the API', () => {
  let world: World;
  let api: ApiProcess;
  beforeAll(async () => {
    world = await openWorld(createEngine({ kind: 'docker', socket }));
    // No PATH: the server must not depend on helper programs.
    api = await startApi(world, [], { PATH: undefined, TOOLHIVE_SECRET_tok: 'value of the secret' });
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const B = '/api/v1beta/workloads';
  const create = (body: unknown) => api.ask('POST', B, { body });
  const fixture = (label: string, more: object = {}) => ({
    name: world.name(label),
    image: FIXTURE_IMAGE,
    cmd_arguments: ['echo'],
    ...more,
  });
  const statusOf = async (name: string) => {
    const reply = await api.ask('GET', `${B}/${name}/status`);
    return reply.status === 200 ? reply.json<{ status: string }>().status : reply.status;
  };
  const reached = (name: string, status: string | number) =>
    waitFor(
      () => statusOf(name),
      (seen) => seen === status,
      { what: `${name} is ${status}`, deadlineMs: 30_000, intervalMs: 50 },
    );
  async function running(label: string, more: object = {}): Promise<string> {
    const body = fixture(label, more);
    expect(await create(body)).toMatchObject({ status: 201 });
    await reached(body.name, 'running');
    return body.name;
  }
  const listed = async (query = '?all=true') => {
    const { workloads } = (await api.ask('GET', `${B}${query}`)).json<{
      workloads: Record<string, unknown>[];
    }>();
    return workloads;
  };

  test('health is 204 with the nonce of the record that others find the server by', async () => {
    const { status, headers, text } = await api.ask('GET', '/health');
    expect({ status, text, type: headers.get('content-type') }).toEqual({
      status: 204,
      text: '',
      type: null,
    });
    const record = await Bun.file(`${world.state}/server/server.json`).json();
    expect(record).toEqual({
      url: api.url,
      pid: api.pid,
      nonce: headers.get('x-toolhive-nonce'),
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  test('create, list, details, status, export, logs, stop, restart, delete', async () => {
    const body = fixture('life', { env_vars: { GREETING: 'hello' }, tools: ['echo'] });
    const created = await create(body);
    expect(created.status).toBe(201);
    const { name, port } = created.json<{ name: string; port: number }>();
    expect(created.text).toBe(`{"name":"${body.name}","port":${port}}\n`);
    const waited = await api.ask('GET', `${B}/${name}/status?wait=running&timeout=30s`);
    expect(waited.text).toBe('{"status":"running"}\n');

    const url = `http://127.0.0.1:${port}/sse#${name}`;
    const [entry] = (await listed('')).filter((workload) => workload['name'] === name);
    expect(entry).toEqual({
      name,
      package: FIXTURE_IMAGE,
      url,
      port,
      transport_type: 'stdio',
      proxy_mode: 'sse',
      status: 'running',
      created_at: expect.any(String),
      started_at: expect.any(String),
      group: 'default',
      tools: ['echo'],
    });
    expect(await callOnce(url, 'echo', { message: 'over the API' })).toBe('over the API');

    const details = (await api.ask('GET', `${B}/${name}`)).json();
    expect(details).toMatchObject({
      name,
      image: FIXTURE_IMAGE,
      host: '127.0.0.1',
      cmd_arguments: ['echo'],
      target_port: 0,
      proxy_port: port,
      env_vars: { GREETING: 'hello', MCP_TRANSPORT: 'stdio' },
      secrets: [],
      volumes: null,
      transport: 'stdio',
      authz_config: '',
      permission_profile: {
        name: 'network',
        network: { outbound: { insecure_allow_all: true }, inbound: {} },
      },
      proxy_mode: 'sse',
      network_isolation: false,
      trust_proxy_headers: false,
      tools: ['echo'],
      tools_override: null,
      group: 'default',
    });
    expect(Object.keys(details['oidc'] as object).sort()).toEqual(
      ['issuer', 'audience', 'jwks_url', 'introspection_url', 'client_id', 'client_secret', 'scopes'].sort(),
    );
    const exported = (await api.ask('GET', `${B}/${name}/export`)).json();
    expect(exported).toMatchObject({ schema_version: 'v0.1.0', name, container_name: name, port });

    const logs = await api.ask('GET', `${B}/${name}/logs`);
    expect({ status: logs.status, type: logs.headers.get('content-type') }).toEqual({
      status: 200,
      type: 'text/plain',
    });
    const network = await api.ask('GET', `${B}/${name}/network`);
    expect(network.json()).toEqual({ refused_total: 0, attempts: [] });
    expect(await api.ask('GET', `${B}/nobody/network`)).toMatchObject({ status: 404 });
    const proxyLogs = await api.ask('GET', `${B}/${name}/proxy-logs?lines=1`);
    expect(proxyLogs.headers.get('content-type')).toBe('text/plain');
    expect(proxyLogs.text.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(proxyLogs.text)).toHaveProperty('msg');

    const stop = await api.ask('POST', `${B}/${name}/stop`);
    expect({ status: stop.status, text: stop.text, type: stop.headers.get('content-type') }).toEqual({
      status: 202,
      text: '',
      type: 'application/json',
    });
    await reached(name, 'stopped');
    expect((await listed('')).some((workload) => workload['name'] === name)).toBe(false);
    expect((await listed()).some((workload) => workload['name'] === name)).toBe(true);
    expect((await api.ask('POST', `${B}/${name}/stop`)).status).toBe(202);

    expect((await api.ask('POST', `${B}/${name}/restart`)).status).toBe(202);
    await reached(name, 'running');
    expect(await callOnce(url, 'echo', { message: 'again' })).toBe('again');

    expect((await api.ask('DELETE', `${B}/${name}`)).status).toBe(202);
    await reached(name, 404);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/status'],
      ['GET', '/logs'],
      ['POST', '/stop'],
      ['POST', '/restart'],
      ['DELETE', ''],
    ] as const)
      expect(await api.ask(method, `${B}/${name}${path}`)).toMatchObject({
        status: 404,
        text: `workload not found: ${name}\n`,
      });
    expect((await api.ask('GET', `${B}/${name}/export`)).text).toContain(`run config not found: ${name}`);
    expect(await api.ask('GET', `${B}/${name}/proxy-logs`)).toMatchObject({
      status: 404,
      text: `proxy logs not found for workload: ${name}\n`,
    });
    expect(await api.ask('POST', `${B}/${name}/edit`, { body: { image: FIXTURE_IMAGE } })).toMatchObject({
      status: 404,
    });
  });

  test('of two that want one name, one gets it', async () => {
    const body = fixture('twice');
    const replies = await Promise.all([create(body), create(body), create(body)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const taken = { status: 409, text: `workload with name ${body.name} already exists\n` };
    expect(await create(body)).toMatchObject(taken);
    // A taken name counts before what else is wrong.
    for (const wrong of [
      { proxy_mode: 'pigeon' },
      { group: 'nope' },
      { image: '', registry: 'default', server: 'no.such' },
    ])
      expect(await create({ ...body, ...wrong })).toMatchObject(taken);
    await reached(body.name, 'running');
  });

  test.each<readonly [string, (body: ReturnType<typeof fixture>) => object, number, RegExp]>([
    [
      'an image that does not exist',
      () => ({ image: ABSENT_IMAGE }),
      404,
      new RegExp(`image not found in registry, please check the image name or tag: ${ABSENT_IMAGE}`),
    ],
    [
      'a volume that does not exist',
      () => ({ volumes: ['/nonexistent:/x'] }),
      400,
      /^invalid run configuration provided: Failed to build run config: failed to validate run config: volume source path does not exist: \/nonexistent\n$/,
    ],
    [
      'a tool override without content',
      () => ({ tools_override: { a: {} } }),
      400,
      /tool override for a must have either Name or Description set\n$/,
    ],
    [
      'a bad package',
      () => ({ image: 'npx://' }),
      400,
      /^failed to retrieve MCP server image: invalid protocol scheme provided for MCP server/,
    ],
    [
      'a build option without a build',
      () => ({ runtime_config: { builder_image: 'x' } }),
      400,
      /^invalid run configuration provided: runtime_config is only supported for protocol-scheme images\n$/,
    ],
    [
      'a build option of another kind of package',
      () => ({ image: 'npx://x', runtime_config: { build_with: ['a'] } }),
      400,
      /^invalid run configuration provided: runtime_config: build_with is not supported for npx:\/\/ builds \(only uvx:\/\/\)\n$/,
    ],
    [
      'a secret without a store',
      () => ({ secrets: [{ name: 'nope', target: 'X' }] }),
      400,
      /: failed to get nope: secrets provider not configured\./,
    ],
    ...[{ callback_port: 9999 }, { skip_browser: true }, { oauth_params: { prompt: 'login' } }].map(
      (oauth_config) =>
        [
          `a sign-in by ${Object.keys(oauth_config)[0]}`,
          () => ({ image: '', url: 'https://mcp.example.com/mcp', oauth_config }),
          400,
          /: this version does not support oauth_config for workloads\n$/,
        ] as const,
    ),
    [
      'another registry',
      () => ({ image: '', registry: 'x', server: 'y' }),
      400,
      /^failed to resolve server from registry: unknown registry "x"; only "default" is currently supported\n$/,
    ],
    [
      'a server that the registry does not have',
      () => ({ image: '', registry: 'default', server: 'no.such' }),
      404,
      /server "no.such" not found in registry/,
    ],
  ])('%s is refused and leaves nothing', async (what, change, status, text) => {
    const body = fixture(what.replace(/[^a-z]/g, '').slice(0, 12));
    const reply = await create({ ...body, ...change(body) });
    expect(reply.text).toMatch(text);
    expect(reply.status).toBe(status);
    expect(await statusOf(body.name)).toBe(404);
  });

  test('a port that is taken is refused, a free one is used', async () => {
    using busy = occupyPort();
    const body = fixture('port');
    expect(await create({ ...body, proxy_port: busy.port })).toMatchObject({
      status: 400,
      text: expect.stringMatching(new RegExp(`requested proxy port ${busy.port} is not available\n$`)),
    });
    const port = freePort();
    expect((await create({ ...body, proxy_port: port })).json()).toEqual({ name: body.name, port });
  });

  test('a secret of the environment reaches the server and no answer', async () => {
    await api.ask('POST', '/api/v1beta/secrets', { body: { provider_type: 'environment' } });
    const name = await running('secret', { secrets: [{ name: 'tok', target: 'TOKEN' }] });
    const details = await api.ask('GET', `${B}/${name}`);
    expect(details.json()['secrets']).toEqual([{ name: 'tok', target: 'TOKEN' }]);
    expect(details.text + (await api.ask('GET', `${B}/${name}/export`)).text).not.toContain(
      'value of the secret',
    );
    const container = await createEngine({ kind: 'docker', socket }).inspect(name);
    expect(container?.Config.Env).toContain('TOKEN=value of the secret');
  });

  describe('edit', () => {
    test('an unchanged answer of details is accepted, and the port stays', async () => {
      const name = await running('same');
      const before = (await api.ask('GET', `${B}/${name}`)).json();
      const reply = await api.ask('POST', `${B}/${name}/edit`, { body: before });
      expect(reply).toMatchObject({
        status: 200,
        text: `{"name":"${name}","port":${before['proxy_port']}}\n`,
      });
      await waitFor(
        () => statusOf(name),
        (status) => status !== 'running',
        { what: 'the exchange begins', intervalMs: 5 },
      );
      await reached(name, 'running');
      expect((await api.ask('GET', `${B}/${name}`)).json()).toEqual(before);
    });

    test('new settings replace the old ones, also of a stopped workload', async () => {
      const name = await running('changed', { env_vars: { A: '1' }, cmd_arguments: ['echo', 'x'] });
      await api.ask('POST', `${B}/${name}/stop`);
      await reached(name, 'stopped');
      const { port } = (await listed()).find((workload) => workload['name'] === name) as { port: number };
      const reply = await api.ask('POST', `${B}/${name}/edit`, {
        body: {
          image: FIXTURE_IMAGE,
          cmd_arguments: ['echo'],
          env_vars: { B: '2' },
          proxy_mode: 'streamable-http',
        },
      });
      expect(reply.json()).toEqual({ name, port });
      await reached(name, 'running');
      expect((await api.ask('GET', `${B}/${name}`)).json()).toMatchObject({
        env_vars: { B: '2', MCP_TRANSPORT: 'stdio' },
        proxy_mode: 'streamable-http',
        cmd_arguments: ['echo'],
      });
      expect(await callOnce(`http://127.0.0.1:${port}/mcp`, 'echo', { message: 'new' })).toBe('new');
    });

    test('what a request cannot say stays as it was', async () => {
      const name = world.name('kept');
      await world.ok([
        'run',
        ...['--name', name, '--transport', 'stdio', '--ignore-globally=false', '--label', 'team=a'],
        ...['--allowed-origins', 'https://a.example'],
        ...[FIXTURE_IMAGE, '--', 'echo'],
      ]);
      await reached(name, 'running');
      const exported = async () => (await api.ask('GET', `${B}/${name}/export`)).json();
      const before = await exported();
      const body = (await api.ask('GET', `${B}/${name}`)).json();
      expect((await api.ask('POST', `${B}/${name}/edit`, { body })).status).toBe(200);
      await waitFor(
        () => statusOf(name),
        (status) => status !== 'running',
        { what: 'the exchange begins', intervalMs: 5 },
      );
      await reached(name, 'running');
      expect(before).toMatchObject({ ignore_config: { LoadGlobal: false } });
      expect(await exported()).toEqual(before);
    });

    test('settings that do not start give way to the old ones, and the status says why', async () => {
      const name = await running('rollback');
      const before = (await api.ask('GET', `${B}/${name}`)).json();
      const reply = await api.ask('POST', `${B}/${name}/edit`, {
        body: { image: FIXTURE_IMAGE, cmd_arguments: ['exit'] },
      });
      expect(reply.status).toBe(200);
      const entry = await waitFor(
        async () => (await listed()).find((workload) => workload['name'] === name),
        (workload) => workload?.['status'] === 'running' && workload['status_context'] !== undefined,
        { what: 'the old settings are back', deadlineMs: 60_000, intervalMs: 200 },
      );
      expect(entry?.['status_context']).toStartWith(
        'update failed, the previous configuration was restored: Container exited',
      );
      expect((await api.ask('GET', `${B}/${name}`)).json()).toEqual(before);
      expect(await callOnce(String(entry?.['url']), 'echo', { message: 'as before' })).toBe('as before');
    });

    test('settings that make no sense are refused, and the workload runs on', async () => {
      const name = await running('refused');
      expect(await api.ask('POST', `${B}/${name}/edit`, { body: '{' })).toMatchObject({
        status: 400,
        text: expect.stringMatching(/^invalid JSON: /),
      });
      expect(
        await api.ask('POST', `${B}/${name}/edit`, { body: { image: FIXTURE_IMAGE, proxy_mode: 'pigeon' } }),
      ).toMatchObject({
        status: 400,
        text: 'failed to build workload config: invalid run configuration provided: Invalid proxy_mode: pigeon\n',
      });
      expect(
        await api.ask('POST', `${B}/${name}/edit`, { body: { image: FIXTURE_IMAGE, group: 'nope' } }),
      ).toMatchObject({
        status: 400,
        text: "failed to build workload config: group 'nope' does not exist\n",
      });
      expect(await statusOf(name)).toBe('running');
    });
  });

  test('an upgrade: what the registry has is told, and applied with what it asks for', async () => {
    const engine = createEngine({ kind: 'docker', socket });
    const repository = `thv-test/${world.name('up')}`;
    for (const tag of ['1.0.0', '1.0.1', '2.0.0'])
      await engineRequest(engine, 'POST', `/images/${FIXTURE_IMAGE}/tag?repo=${repository}&tag=${tag}`);
    const offer = async (tag: string, environmentVariables: readonly object[] = []) => {
      const path = `${world.folder}/upgrades.json`;
      await Bun.write(path, JSON.stringify(registryOf(`${repository}:${tag}`, environmentVariables)));
      const reply = await api.ask('PUT', '/api/v1beta/registry/default', { body: { local_path: path } });
      expect(reply.status).toBe(200);
    };
    const name = world.name('up');
    const check = async () => (await api.ask('GET', `${B}/${name}/upgrade-check`)).json()['result'];
    const upgrade = (body?: unknown) => api.ask('POST', `${B}/${name}/upgrade`, { body });
    try {
      await offer('1.0.0');
      const created = await create({
        name,
        registry: 'default',
        server: 'io.example/srv',
        cmd_arguments: ['echo'],
      });
      expect(created.status).toBe(201);
      await reached(name, 'running');
      const known = {
        workload_name: name,
        registry_server: 'io.example/srv',
        current_image: `${repository}:1.0.0`,
      };
      expect(await check()).toEqual({
        ...known,
        candidate_image: `${repository}:1.0.0`,
        status: 'up-to-date',
      });
      expect((await upgrade()).json()).toMatchObject({ result: { status: 'up-to-date' } });

      await offer('1.0.1', [{ name: 'NEEDED', description: 'A value', isRequired: true }]);
      expect(await check()).toEqual({
        ...known,
        candidate_image: `${repository}:1.0.1`,
        status: 'upgrade-available',
        env_var_drift: { added: [{ name: 'NEEDED', description: 'A value', required: true }] },
      });
      const all = (await api.ask('GET', `${B}/upgrade-check?all=true`)).json<{
        results: { workload_name: string }[];
      }>();
      expect(all.results.map(({ workload_name }) => workload_name)).toContain(name);
      expect(await upgrade('{')).toMatchObject({
        status: 400,
        text: expect.stringMatching(/^failed to decode request: /),
      });
      expect(await upgrade({})).toMatchObject({
        status: 422,
        text: `failed to apply upgrade for workload "${name}"\n`,
      });
      expect(await statusOf(name)).toBe('running');
      const { port } = (await listed()).find((workload) => workload['name'] === name) as { port: number };

      expect((await upgrade({ env: { NEEDED: 'given' } })).json()).toMatchObject({
        result: { status: 'up-to-date', current_image: `${repository}:1.0.1` },
      });
      const details = (await api.ask('GET', `${B}/${name}`)).json();
      expect(details).toMatchObject({
        image: `${repository}:1.0.1`,
        proxy_port: port,
        env_vars: { NEEDED: 'given' },
      });
      expect(await callOnce(`http://127.0.0.1:${port}/sse`, 'echo', { message: 'newer' })).toBe('newer');

      // What is offered and cannot be had leaves everything as it was.
      await offer('3.0.0');
      expect((await upgrade()).status).toBe(422);
      expect(await statusOf(name)).toBe('running');
    } finally {
      await api.ask('PUT', '/api/v1beta/registry/default', { body: {} });
      await api.ask('DELETE', `${B}/${name}`);
      await reached(name, 404);
      for (const tag of ['1.0.0', '1.0.1', '2.0.0']) await engine.forget(`${repository}:${tag}`);
    }
  });

  test('streams that clients leave cost nothing', async () => {
    const openFiles = async () => (await readdir(`/proc/${api.pid}/fd`)).length;
    const before = await openFiles();
    const streams = await Promise.all(
      Array.from({ length: 30 }, () => openEvents(`${api.url}/api/v1beta/events`)),
    );
    for (const stream of streams) expect((await stream.next()).event).toBe('snapshot');
    expect(await openFiles()).toBeGreaterThanOrEqual(before + 30);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
    await waitFor(openFiles, (count) => count <= before + 5, {
      what: 'their connections and watches are gone',
      deadlineMs: 20_000,
    });
  });

  test('bulk operations accept what they know and tell what they do not', async () => {
    const names = await Promise.all(['b1', 'b2'].map((label) => running(label)));
    const bulk = (verb: string, body: unknown) => api.ask('POST', `${B}/${verb}`, { body });
    const unknown = world.name('b3');
    const stop = await bulk('stop', { names: [...names, unknown] });
    expect(stop.status).toBe(202);
    expect(stop.json()).toEqual({ accepted: names, unknown: [unknown] });
    for (const name of names) await reached(name, 'stopped');
    await bulk('restart', { names });
    for (const name of names) await reached(name, 'running');
    await api.ask('POST', '/api/v1beta/groups', { body: { name: 'empty' } });
    expect((await bulk('delete', { group: 'empty' })).json()).toEqual({ accepted: [], unknown: [] });
    await bulk('delete', { names });
    for (const name of names) await reached(name, 404);
  });

  test('a group deleted with its workloads', async () => {
    await api.ask('POST', '/api/v1beta/groups', { body: { name: 'doomed' } });
    const name = await running('doomed', { group: 'doomed' });
    expect((await listed('?group=doomed')).map((workload) => workload['name'])).toEqual([name]);
    const reply = await api.ask('DELETE', '/api/v1beta/groups/doomed?with-workloads=true');
    expect(reply.status).toBe(204);
    expect(await statusOf(name)).toBe(404);
  });

  test('events: everything first, then what changes, and the end when the server ends', async () => {
    await using events = await openEvents(`${api.url}/api/v1beta/events`);
    const snapshot = await events.next();
    expect(snapshot.event).toBe('snapshot');
    const name = await running('events');
    await events.until(
      ({ event, data }) => event !== 'snapshot' && data['name'] === name && data['status'] === 'running',
    );
    await api.ask('POST', `${B}/${name}/stop`);
    await events.until(
      ({ event, data }) => event === 'changed' && data['name'] === name && data['status'] === 'stopped',
    );
    await api.ask('DELETE', `${B}/${name}`);
    await events.until(({ event, data }) => event === 'removed' && data['name'] === name);
  });

  test('logs that are followed, as text and as events', async () => {
    const name = await running('follow', { cmd_arguments: ['flood'] });
    await using events = await openEvents(`${api.url}${B}/${name}/logs?follow=true&lines=5`);
    expect((await events.next()).event).toBe('stderr');
    const response = await fetch(`${api.url}${B}/${name}/logs?follow=true&lines=5`);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    await reader?.cancel();
    await using proxied = await openEvents(`${api.url}${B}/${name}/proxy-logs?follow=true&lines=1`);
    const line = await proxied.next();
    expect(line.event).toBe('log');
    const few = await api.ask('GET', `${B}/${name}/logs?lines=3`);
    expect(few.text.trim().split('\n').length).toBeLessThanOrEqual(3);
    await api.ask('DELETE', `${B}/${name}`);
    await reached(name, 404);
  });

  test('of a container that is gone there is no log to follow', async () => {
    const name = await running('gone');
    await api.ask('POST', `${B}/${name}/stop`);
    await reached(name, 'stopped');
    await createEngine({ kind: 'docker', socket }).remove(name);
    for (const query of ['', '?follow=true'])
      expect(await api.ask('GET', `${B}/${name}/logs${query}`)).toMatchObject({
        status: 404,
        text: `workload not found: ${name}\n`,
      });
  });
});

/** A registry file with one server. */
function registryOf(image: string, environmentVariables: readonly object[]) {
  return {
    $schema: 'https://example.com/schema.json',
    version: '1.0.0',
    meta: { last_updated: '2026-01-01T00:00:00Z' },
    data: {
      servers: [
        {
          $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
          name: 'io.example/srv',
          description: 'A server',
          version: '1.0.0',
          packages: [
            { registryType: 'oci', identifier: image, transport: { type: 'stdio' }, environmentVariables },
          ],
        },
      ],
    },
  };
}
