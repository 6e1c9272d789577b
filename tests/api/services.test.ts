import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIENT_IDS } from '../../src/clients/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { openSecretsStore } from '../../src/secrets/index.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';

/** Groups, clients, secrets and the registry: none of them needs a container engine. */

let world: World;
let api: ApiProcess;
beforeAll(async () => {
  world = await openWorld(undefined);
  api = await startApi(world, [], { TOOLHIVE_SECRET_fromenv: 'value of the environment' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const B = '/api/v1beta';
const get = (path: string) => api.ask('GET', `${B}${path}`);
const post = (path: string, body?: unknown) => api.ask('POST', `${B}${path}`, { body });
const put = (path: string, body?: unknown) => api.ask('PUT', `${B}${path}`, { body });
const remove = (path: string) => api.ask('DELETE', `${B}${path}`);

describe('groups', () => {
  test('the default group is there from the start', async () => {
    expect((await get('/groups')).json()).toEqual({ groups: [{ name: 'default', registered_clients: [] }] });
  });

  test('create, get, list, delete', async () => {
    expect(await post('/groups', { name: 'team alpha' })).toMatchObject({
      status: 201,
      text: '{"name":"team alpha"}\n',
    });
    expect((await get('/groups/team%20alpha')).json()).toEqual({
      name: 'team alpha',
      registered_clients: [],
    });
    expect(existsSync(join(world.state, 'groups', 'team alpha.json'))).toBe(true);
    expect(await post('/groups', { name: 'team alpha' })).toMatchObject({
      status: 409,
      text: 'group already exists: team alpha\n',
    });
    expect(await remove('/groups/team%20alpha')).toMatchObject({ status: 204, text: '' });
    expect(await remove('/groups/team%20alpha')).toMatchObject({ status: 404, text: 'group not found\n' });
    expect(await get('/groups/team%20alpha')).toMatchObject({
      status: 404,
      text: 'group not found: team alpha\n',
    });
  });

  test('of twenty creators at once one succeeds', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => post('/groups', { name: 'race' })));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    expect((await remove('/groups/race')).status).toBe(204);
  });

  test('the default group stays', async () => {
    for (const name of ['default', 'Default'])
      expect(await remove(`/groups/${name}`)).toMatchObject({
        status: 400,
        text: 'cannot delete the default group\n',
      });
  });

  test.each([
    ['empty', '', 'group name cannot be empty or consist only of whitespace'],
    ['upper case', 'Dev', 'group name must be lowercase'],
    [
      'a path',
      '../x',
      'group name can only contain lowercase alphanumeric characters, underscores, dashes, and spaces: "../x"',
    ],
    ['two spaces', 'a  b', 'group name cannot contain consecutive spaces: "a  b"'],
    ['a space at the end', 'a ', 'group name cannot have leading or trailing whitespace: "a "'],
  ])('a name that is %s', async (_what, name, reason) => {
    expect(await post('/groups', { name })).toMatchObject({
      status: 400,
      text: `invalid group name: ${reason}\n`,
    });
  });

  test('bodies that make no sense', async () => {
    expect(await post('/groups', '{')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^invalid request body: /),
    });
    expect(await post('/groups', { name: 5 })).toMatchObject({
      status: 400,
      text: 'invalid request body: name: string expected\n',
    });
  });
});

describe('clients', () => {
  test('all are told, sorted, each with five facts', async () => {
    const { clients } = (await get('/discovery/clients')).json<{ clients: { client_type: string }[] }>();
    expect(clients).toHaveLength(CLIENT_IDS.length);
    expect(clients.map(({ client_type }) => client_type)).toEqual(
      clients.map(({ client_type }) => client_type).sort(),
    );
    expect(clients.find(({ client_type }) => client_type === 'cursor')).toEqual({
      client_type: 'cursor',
      installed: false,
      registered: false,
      supports_skills: true,
      supports_plugins: false,
    } as never);
  });

  test('register, list, unregister', async () => {
    await post('/groups', { name: 'dev' });
    expect((await get('/clients')).json<unknown>()).toEqual([]);
    expect((await post('/clients', { name: 'cursor' })).json()).toEqual({
      name: 'cursor',
      groups: ['default'],
    });
    expect((await post('/clients', { name: 'cursor', groups: ['dev'] })).json()).toEqual({
      name: 'cursor',
      groups: ['dev'],
    });
    expect((await post('/clients/register', { names: ['vscode', 'windsurf'] })).json<unknown>()).toEqual([
      { name: 'vscode' },
      { name: 'windsurf' },
    ]);
    expect((await get('/clients')).json<unknown>()).toEqual([
      { name: 'cursor', groups: ['default', 'dev'] },
      { name: 'vscode', groups: ['default'] },
      { name: 'windsurf', groups: ['default'] },
    ]);
    expect((await get('/groups/dev')).json()).toEqual({ name: 'dev', registered_clients: ['cursor'] });
    expect(await remove('/clients/cursor/groups/dev')).toMatchObject({ status: 204, text: '' });
    expect(await remove('/clients/cursor')).toMatchObject({ status: 204, text: '' });
    expect((await post('/clients/unregister', { names: ['vscode', 'windsurf'] })).status).toBe(204);
    expect((await get('/clients')).json<unknown>()).toEqual([]);
  });

  test('a client that does not exist is refused before anything changes', async () => {
    const refused = { status: 400, text: 'failed to register client(s): unsupported client type: pigeon\n' };
    expect(await post('/clients', { name: 'pigeon' })).toMatchObject(refused);
    expect(await post('/clients/register', { names: ['vscode', 'pigeon'] })).toMatchObject(refused);
    expect(await remove('/clients/pigeon')).toMatchObject({
      status: 400,
      text: 'failed to unregister client(s): unsupported client type: pigeon\n',
    });
    expect((await get('/clients')).json<unknown>()).toEqual([]);
  });

  test('groups that do not exist, and nothing to do', async () => {
    expect(await post('/clients', { name: 'vscode', groups: ['nope'] })).toMatchObject({
      status: 404,
      text: "failed to register client(s): state 'nope' not found\n",
    });
    for (const verb of ['register', 'unregister'])
      expect(await post(`/clients/${verb}`, {})).toMatchObject({
        status: 400,
        text: 'at least one client name is required\n',
      });
  });
});

describe('secrets', () => {
  test('before a provider is set up, and what does not set one up', async () => {
    const missing = {
      status: 404,
      text: "secrets provider not configured. Please run 'thv secret setup' to configure a secrets provider first\n",
    };
    expect(await get('/secrets/default')).toMatchObject(missing);
    expect(await get('/secrets/default/keys')).toMatchObject(missing);
    expect(await post('/secrets/default/keys', { key: 'a', value: 'b' })).toMatchObject(missing);
    expect(await put('/secrets/default/keys/a', { value: 'b' })).toMatchObject(missing);
    expect(await remove('/secrets/default/keys/a')).toMatchObject(missing);
    // What the body lacks counts first.
    expect(await post('/secrets/default/keys', { key: 'a' })).toMatchObject({
      status: 400,
      text: "both 'key' and 'value' are required\n",
    });
    expect(await post('/secrets', {})).toMatchObject({
      status: 400,
      text: 'provider type cannot be empty\n',
    });
    expect(await post('/secrets', { provider_type: 'hat' })).toMatchObject({
      status: 400,
      text: 'invalid secrets provider type: hat (valid types: encrypted, 1password, environment)\n',
    });
    expect(await post('/secrets', '"x')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^invalid request body: /),
    });
  });

  test('the environment can only be read', async () => {
    expect(await post('/secrets', { provider_type: 'environment' })).toMatchObject({
      status: 201,
      text: '{"provider_type":"environment","message":"Secrets provider setup successfully"}\n',
    });
    expect((await post('/secrets', { provider_type: 'environment' })).json()).toEqual({
      provider_type: 'environment',
      message: 'Secrets provider reconfigured successfully',
    });
    expect((await get('/secrets/default')).json()).toEqual({
      name: 'default',
      provider_type: 'environment',
      capabilities: {
        can_read: true,
        can_write: false,
        can_delete: false,
        can_list: false,
        can_cleanup: false,
      },
    });
    const cannot = (what: string) => ({ status: 405, text: `secrets provider does not support ${what}\n` });
    expect(await get('/secrets/default/keys')).toMatchObject(cannot('listing keys'));
    expect(await post('/secrets/default/keys', { key: 'a', value: 'b' })).toMatchObject(
      cannot('creating secrets'),
    );
    expect(await put('/secrets/default/keys/a', { value: 'b' })).toMatchObject(cannot('updating secrets'));
    expect(await remove('/secrets/default/keys/a')).toMatchObject(cannot('deleting secrets'));
  });

  test('an encrypted store: create, list, update, delete, and no value in any answer or log', async () => {
    await using other = await openWorld(undefined);
    // The password comes from the environment, as on machines without a keyring.
    await using server = await startApi(other, ['--debug'], { TOOLHIVE_SECRETS_PASSWORD: 'a long password' });
    const ask = (method: string, path: string, body?: unknown) =>
      server.ask(method, `${B}/secrets${path}`, { body });
    expect((await ask('POST', '', { provider_type: 'encrypted' })).status).toBe(201);
    const value = 'v4lue-that-must-not-show';
    expect(await ask('POST', '/default/keys', { key: 'a/b', value })).toMatchObject({
      status: 201,
      text: '{"key":"a/b","message":"Secret created successfully"}\n',
    });
    expect(await ask('POST', '/default/keys', { key: 'a/b', value })).toMatchObject({
      status: 409,
      text: 'secret already exists\n',
    });
    expect(await ask('PUT', '/default/keys/a%2Fb', { value: `${value}2` })).toMatchObject({
      status: 200,
      text: '{"key":"a/b","message":"Secret updated successfully"}\n',
    });
    expect(
      await other.ok(['secret', 'get', 'a/b'], { env: { TOOLHIVE_SECRETS_PASSWORD: 'a long password' } }),
    ).toContain(`${value}2`);
    expect((await ask('GET', '/default/keys')).json()).toEqual({ keys: [{ key: 'a/b' }] });
    expect(await ask('PUT', '/default/keys/a%2Fb', {})).toMatchObject({
      status: 400,
      text: 'value is required\n',
    });
    expect(await ask('PUT', '/default/keys/nope', { value })).toMatchObject({
      status: 404,
      text: 'secret not found\n',
    });
    expect(await ask('DELETE', '/default/keys/nope')).toMatchObject({
      status: 404,
      text: 'secret not found\n',
    });
    for (const [method, path, body] of [
      ['POST', '/default/keys', { key: '__thv_x', value }],
      ['PUT', '/default/keys/__thv_x', { value }],
      ['DELETE', '/default/keys/__thv_x', undefined],
    ] as const) {
      const reply = await ask(method, path, body);
      expect(reply.status).toBe(400);
      expect(reply.text).toContain('reserved for system use');
      expect(reply.text).not.toContain('cannot get');
    }
    expect(await ask('DELETE', '/default/keys/a%2Fb')).toMatchObject({ status: 204, text: '' });
    expect((await ask('GET', '/default/keys')).json()).toEqual({ keys: [] });
    expect(server.stderr).not.toContain(value);
    expect(server.stderr).not.toContain('a/b');
  });
});

describe('an encrypted store', () => {
  const password = { TOOLHIVE_SECRETS_PASSWORD: 'a long password' };

  test('of twenty creators of one name at once one succeeds', async () => {
    await using world = await openWorld(undefined);
    await using server = await startApi(world, [], password);
    await server.ask('POST', `${B}/secrets`, { body: { provider_type: 'encrypted' } });
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        server.ask('POST', `${B}/secrets/default/keys`, { body: { key: 'one', value: `v${index}` } }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    const winner = replies.findIndex(({ status }) => status === 201);
    expect(await world.ok(['secret', 'get', 'one'], { env: password })).toBe(`v${winner}\n`);
  });

  test('is not mistaken for the environment behind it, which is only read', async () => {
    await using world = await openWorld(undefined);
    await using server = await startApi(world, [], { ...password, TOOLHIVE_SECRET_e: 'of the environment' });
    const key = `${B}/secrets/default/keys/e`;
    await server.ask('POST', `${B}/secrets`, { body: { provider_type: 'encrypted' } });
    expect((await server.ask('PUT', key, { body: { value: 'x' } })).status).toBe(404);
    expect((await server.ask('DELETE', key)).status).toBe(404);
    const body = { key: 'e', value: 'x' };
    expect((await server.ask('POST', `${B}/secrets/default/keys`, { body })).status).toBe(201);
    expect((await server.ask('PUT', key, { body: { value: 'y' } })).status).toBe(200);
  });

  test('of an older version tells the names of the user alone', async () => {
    await using world = await openWorld(undefined);
    const config = join(world.folder, 'config/toolhive');
    await mkdir(config, { recursive: true });
    await writeFile(
      join(config, 'config.yaml'),
      'secrets:\n    provider_type: encrypted\n    setup_completed: true\n',
    );
    const paths = { config, data: world.data };
    const env = { TOOLHIVE_KEYRING: 'off', ...password };
    const store = await openSecretsStore({ paths, env, logger: silentLogger });
    for (const name of ['mine', 'BEARER_TOKEN_a', 'REGISTRY_OAUTH_0a']) await store.set(name, 'value');
    await using server = await startApi(world, [], password);
    const { keys } = (await server.ask('GET', `${B}/secrets/default/keys`)).json();
    expect(keys).toEqual([{ key: 'mine' }]);
  });
});

describe('registry', () => {
  test('the built-in catalog', async () => {
    const { registries } = (await get('/registry')).json<{ registries: Record<string, unknown>[] }>();
    expect(registries).toEqual([
      {
        name: 'default',
        version: expect.any(String),
        last_updated: expect.any(String),
        server_count: expect.any(Number),
        type: 'default',
        source: '',
        auth_status: 'none',
        auth_type: '',
      },
    ]);
    const { registry, ...info } = (await get('/registry/default')).json<{ registry: { servers: object } }>();
    expect(info).toEqual(registries[0] as never);
    expect(Object.keys(registry.servers)).toHaveLength(registries[0]?.['server_count'] as number);
    const { servers } = (await get('/registry/default/servers/')).json<{ servers: { name: string }[] }>();
    const names = servers.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    const [first = ''] = names;
    const reply = (await get(`/registry/default/servers/${encodeURIComponent(first)}`)).json();
    expect(reply).toMatchObject({ is_remote: false, server: { name: first } });
  });

  test('what is not there', async () => {
    for (const path of ['/registry/other', '/registry/other/servers', '/registry/other/servers/x'])
      expect(await get(path)).toMatchObject({ status: 404, text: 'Registry not found\n' });
    expect(await get('/registry/default/servers/no.such.server')).toMatchObject({
      status: 404,
      text: 'Server not found\n',
    });
    expect(await put('/registry/other', {})).toMatchObject({ status: 404, text: 'Registry not found\n' });
    expect(await remove('/registry/other')).toMatchObject({ status: 404, text: 'Registry not found\n' });
    expect(await post('/registry/other/refresh')).toMatchObject({
      status: 404,
      text: 'Registry not found\n',
    });
    expect(await remove('/registry/default')).toMatchObject({
      status: 400,
      text: 'Cannot remove the default registry\n',
    });
    expect(await post('/registry', {})).toMatchObject({
      status: 501,
      text: 'Adding custom registries is not currently supported\n',
    });
    expect((await post('/registry/default/refresh')).json()).toEqual({ status: 'refreshed' });
  });

  test('a file of one’s own, and back; the command line sees the same', async () => {
    const path = join(world.folder, 'registry.json');
    await writeFile(path, JSON.stringify(UPSTREAM));
    expect((await put('/registry/default', { local_path: path })).json()).toEqual({ type: 'file' });
    expect((await get('/registry')).json()).toMatchObject({
      registries: [{ type: 'file', source: path, server_count: 1 }],
    });
    expect((await get('/registry/default/servers/srv')).json()).toMatchObject({
      server: { image: 'example/srv:1' },
    });
    expect((await put('/registry/default', {})).json()).toEqual({ type: 'default' });
    expect((await get('/registry')).json()).toMatchObject({ registries: [{ type: 'default', source: '' }] });
  });

  test.each<readonly [string, unknown, number, RegExp]>([
    ['no JSON', '{', 400, /^Invalid request body\n$/],
    [
      'two sources',
      { url: 'https://a.example/x.json', local_path: '/x' },
      400,
      /^cannot specify more than one registry type/,
    ],
    ['a file that is not there', { local_path: '/nonexistent.json' }, 400, /not found or not accessible/],
    ['plain HTTP', { url: 'http://registry.example/x.json' }, 400, /https/],
    [
      'half a login',
      { url: 'https://a.example/x.json', auth: { issuer: 'https://i' } },
      400,
      /^auth.issuer and auth.client_id are required\n$/,
    ],
  ])('a change that makes no sense: %s', async (_what, body, status, text) => {
    const reply = await put('/registry/default', body);
    expect(reply.status).toBe(status);
    expect(reply.text).toMatch(text);
    expect((await get('/registry')).json()).toMatchObject({ registries: [{ type: 'default' }] });
  });

  test('addresses that do not answer, and answers that are no registry', async () => {
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response('{"servers":{}}'),
    });
    const unreachable = await put('/registry/default', {
      url: 'http://127.0.0.1:9/x.json',
      allow_private_ip: true,
    });
    expect(unreachable.status).toBe(504);
    expect(unreachable.text).toStartWith('registry at http://127.0.0.1:9/x.json is unreachable: ');
    expect(unreachable.text).not.toMatch(/\.\.|--/);
    expect(
      await put('/registry/default', { auth: { issuer: 'https://idp.example', client_id: 'c' } }),
    ).toMatchObject({ status: 400, text: 'auth needs a registry: give url or api_url with it\n' });
    const wrong = await put('/registry/default', { url: `${server.url}x.json`, allow_private_ip: true });
    expect(wrong.status).toBe(502);
    expect(wrong.text).not.toContain('timeout');
    expect((await get('/registry')).json()).toMatchObject({ registries: [{ type: 'default' }] });
  });

  test('a login where none is set up', async () => {
    for (const verb of ['login', 'logout'])
      expect(await post(`/registry/auth/${verb}`)).toMatchObject({
        status: 400,
        text: 'Registry OAuth not configured; call PUT /api/v1beta/registry/default with a client ID and issuer URL first\n',
      });
  });

  test('the upstream view pages, searches, and finds one', async () => {
    const list = (query: string) => api.ask('GET', `/registry/any/v0.1/servers?${query}`);
    type Page = { servers: { name: string }[]; metadata: { total: number; page: number; limit: number } };
    const all = (await list('limit=500')).json<Page>();
    expect(all.metadata).toMatchObject({ page: 1, limit: 200 });
    const second = (await list('limit=2&page=2')).json<Page>();
    expect(second.servers).toEqual(all.servers.slice(2, 4));
    expect((await list('page=9999')).json<Page>()).toMatchObject({
      servers: [],
      metadata: { page: 9999, limit: 50 },
    });
    expect((await list('page=-1&limit=x')).json<Page>().metadata).toMatchObject({ page: 1, limit: 50 });
    expect((await list('q=no%20such%20thing')).json<Page>()).toMatchObject({
      servers: [],
      metadata: { total: 0 },
    });
    const [first] = all.servers;
    const one = await api.ask(
      'GET',
      `/registry/x/v0.1/servers/${encodeURIComponent(first?.name ?? '')}/versions/latest`,
    );
    expect(one.json()).toEqual(first as never);
    expect(await api.ask('GET', '/registry/x/v0.1/servers/nope/versions/latest')).toMatchObject({
      status: 404,
      text: '{"code":"not_found","message":"Server not found"}\n',
    });
    expect(await api.ask('GET', '/registry/x/v0.1/servers/a%zz/versions/latest')).toMatchObject({
      status: 400,
      text: '{"code":"bad_request","message":"Invalid server name encoding"}\n',
    });
  });

  test('a registry that went bad', async () => {
    const path = join(world.folder, 'gone.json');
    await writeFile(path, JSON.stringify(UPSTREAM));
    await put('/registry/default', { local_path: path });
    await writeFile(path, '{"servers":{"x":{"image":"y"}}}');
    await put('/registry/default', {});
    await mkdir(join(world.folder, 'config', 'toolhive'), { recursive: true });
    const config = join(world.folder, 'config', 'toolhive', 'config.yaml');
    const before = existsSync(config) ? await readFile(config, 'utf8') : '';
    await writeFile(
      config,
      `${before.replace(/^local_registry_path:.*\n/m, '')}local_registry_path: ${path}\n`,
    );
    const reply = await get('/registry');
    expect(reply.status).toBe(502);
    expect(reply.json()).toMatchObject({ code: 'registry_legacy_format' });
    expect((await api.ask('GET', '/registry/x/v0.1/servers')).json()).toMatchObject({
      code: 'registry_legacy_format',
    });
    expect((await put('/registry/default', {})).status).toBe(200);
  });
});

test('skills and plugins are told to be missing', async () => {
  for (const kind of ['skills', 'plugins'])
    expect(await get(`/${kind}/x`)).toMatchObject({
      status: 501,
      text: `${kind} are not part of this version\n`,
    });
});

const UPSTREAM = {
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
        packages: [{ registryType: 'oci', identifier: 'example/srv:1', transport: { type: 'stdio' } }],
      },
    ],
  },
};
