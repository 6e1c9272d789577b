import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '../../src/platform/index.ts';
import {
  createRunConfigStore,
  createStatusStore,
  parseRunConfig,
  parseWorkloadName,
} from '../../src/records/index.ts';
import { freePort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';

let world: World;
let api: ApiProcess;
beforeAll(async () => {
  world = await openWorld(undefined);
  api = await startApi(world);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const text = 'text/plain; charset=utf-8';

describe('version and status', () => {
  test.each(['/api/v1beta/version', '/api/v1beta/status', '/api/v1beta/version/', '/api/v1beta/status/'])(
    'GET %s tells the version',
    async (path) => {
      const { status, headers, text: body } = await api.ask('GET', path);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json');
      expect(body).toMatch(/^\{"version":"(?:v\d+\.\d+\.\d+|build-[a-f0-9]{7,})"\}\n$/);
    },
  );
});

describe('without a container engine', () => {
  test('health is 503 with the nonce and every place that was looked at', async () => {
    const { status, headers, text: body } = await api.ask('GET', '/health');
    expect(status).toBe(503);
    expect(headers.get('content-type')).toBe(text);
    expect(body).toContain(`${world.folder}/no-engine.sock`);
    expect(headers.get('x-toolhive-nonce')).toMatch(/^[0-9a-f]{32}$/);
  });

  test('what needs one says so', async () => {
    const { status, text: body } = await api.ask('GET', '/api/v1beta/workloads');
    expect(status).toBe(503);
    expect(body).toContain('no-engine.sock');
  });
});

describe('paths and methods', () => {
  test.each([
    ['an unknown path', 'GET', '/nope', 404],
    ['an unknown path below the API', 'GET', '/api/v1beta/nope', 404],
    ['a trailing slash where none belongs', 'GET', '/api/v1beta/workloads/x/', 404],
    ['the docs page of another server', 'GET', '/api/docs', 404],
    ['metadata without OIDC', 'GET', '/.well-known/oauth-protected-resource', 404],
  ])('%s', async (_what, method, path, status) => {
    const reply = await api.ask(method, path);
    expect(reply).toMatchObject({ status, text: '404 page not found\n' });
    expect(reply.headers.get('content-type')).toBe(text);
  });

  test.each([
    ['POST', '/health', 'GET'],
    ['HEAD', '/health', 'GET'],
    ['OPTIONS', '/api/v1beta/workloads', 'GET, POST'],
    ['PUT', '/api/v1beta/workloads', 'GET, POST'],
    ['GET', '/api/v1beta/workloads/x/edit', 'POST'],
    ['PATCH', '/api/v1beta/workloads/x', 'GET, DELETE'],
  ])('%s %s is 405', async (method, path, allowed) => {
    const { status, headers, text: body } = await api.ask(method, path);
    expect({ status, body, allow: headers.get('allow') }).toEqual({ status: 405, body: '', allow: allowed });
  });

  test('HEAD of an unknown path is 404', async () => {
    expect((await api.ask('HEAD', '/nope')).status).toBe(404);
  });
});

describe('every answer', () => {
  test.each(['/nope', '/health', '/api/v1beta/version'])('to %s has the protective headers', async (path) => {
    const { headers } = await api.ask('GET', path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each([
    ['is repeated when it is sound', 'abc-1', /^abc-1$/],
    ['is made anew when it is too long', 'x'.repeat(200), /^[0-9a-f-]{36}$/],
  ])('the request id %s', async (_what, given, expected) => {
    const { headers } = await api.ask('GET', '/health', { headers: { 'X-Request-Id': given } });
    expect(headers.get('x-request-id')).toMatch(expected);
  });
});

describe('browsers', () => {
  test.each([
    ['a foreign Host', { Host: 'evil.example:80' }, 'host not allowed: evil.example:80'],
    [
      'a Host that only begins like loopback',
      { Host: '127.0.0.1.evil.example' },
      'host not allowed: 127.0.0.1.evil.example',
    ],
    ['a foreign Origin', { Origin: 'https://evil.example' }, 'origin not allowed: https://evil.example'],
    ['Origin null', { Origin: 'null' }, 'origin not allowed: null'],
    [
      'another port of loopback',
      { Origin: 'http://localhost:3000' },
      'origin not allowed: http://localhost:3000',
    ],
    ['the scheme of a desktop shell', { Origin: 'app://toolhive' }, 'origin not allowed: app://toolhive'],
    ['a page without Origin', { 'Sec-Fetch-Site': 'same-site' }, 'origin not allowed: (same-site)'],
  ])('%s is refused', async (_what, headers, body) => {
    expect(await api.ask('GET', '/api/v1beta/version', { headers })).toMatchObject({
      status: 403,
      text: `${body}\n`,
    });
  });

  test.each([
    ['text/plain', { 'Sec-Fetch-Site': 'same-origin' }],
    ['multipart/form-data; boundary=x', { 'Sec-Fetch-Site': 'cross-site' }],
    ['application/x-www-form-urlencoded', { Origin: 'tauri://app' }],
  ])('a post of %s from a page is refused', async (type, headers) => {
    const reply = await api.ask('POST', '/api/v1beta/workloads', {
      body: '{}',
      headers: { ...headers, 'Content-Type': type } as Record<string, string>,
    });
    expect(reply.status).toBe(403);
  });

  test.each([
    ['localhost', { Host: 'localhost' }],
    ['another loopback address', { Host: '127.5.5.5:1234' }],
    ['IPv6 loopback', { Host: '[::1]:8080' }],
    ['a page of its own', { Host: 'localhost:8080', Origin: 'http://localhost:8080' }],
  ])('%s passes', async (_what, headers) => {
    const reply = await api.ask('GET', '/api/v1beta/version', { headers: headers as Record<string, string> });
    expect(reply.status).toBe(200);
  });

  test('a form type without a page behind it passes, as curl sends it', async () => {
    const reply = await api.ask('POST', '/api/v1beta/workloads', {
      body: '{"name":"x"}',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    expect(reply).toMatchObject({
      status: 400,
      text: "either 'image', 'url', or 'registry'+'server' fields are required\n",
    });
  });
});

describe('bodies', () => {
  const create = (body: string, headers = {}) => api.ask('POST', '/api/v1beta/workloads', { body, headers });

  test.each([
    ['none at all', '', 'failed to decode request: the body is empty'],
    ['no JSON', 'hello', /^failed to decode request: JSON Parse error/],
    ['half a value', '{"name":', /^failed to decode request: JSON Parse error/],
    ['a text', '"x"', 'failed to decode request: body: Object expected'],
    ['a list', '[]', 'failed to decode request: body: Object expected'],
    ['a member of another type', '{"name":5}', 'failed to decode request: name: string expected'],
    [
      'several of them',
      '{"name":5,"image":{}}',
      'failed to decode request: image: string expected; name: string expected',
    ],
  ])('%s is 400', async (_what, body, expected) => {
    const reply = await create(body);
    expect(reply.status).toBe(400);
    if (typeof expected === 'string') expect(reply.text).toBe(`${expected}\n`);
    else expect(reply.text).toMatch(expected);
  });

  test('what is wrong is told without the value, which may be a secret', async () => {
    const { text: body } = await create('{"env_vars":{"TOKEN":["hunter2"]}}');
    expect(body).toBe('failed to decode request: env_vars.TOKEN: string expected\n');
  });

  test('members match in any case, null is absent, unknown ones and a second value are ignored', async () => {
    const { status, text: body } = await create('{"NAME":"a b","Image":"x","registry":null,"more":1}{"x":');
    expect({ status, body }).toEqual({
      status: 400,
      body: 'invalid workload name: workload name can only contain alphanumeric characters, dots, hyphens, and underscores\n',
    });
  });

  test('exactly 1 MiB passes, one byte more does not, announced or not', async () => {
    const padded = (size: number) => `{"name":5${' '.repeat(size - 10)}}`;
    expect((await create(padded(1_048_576))).status).toBe(400);
    expect(await create(padded(1_048_577))).toMatchObject({
      status: 413,
      text: 'Request Entity Too Large\n',
    });
    const chunked = await fetch(`${api.url}/api/v1beta/workloads`, {
      method: 'POST',
      body: new Blob([padded(2_000_000)]).stream(),
    });
    expect({ status: chunked.status, body: await chunked.text() }).toEqual({
      status: 413,
      body: 'Request Entity Too Large\n',
    });
  });
});

describe('a request to create, before anything is looked up', () => {
  test.each([
    [
      'registry without server',
      { name: 'x', registry: 'default' },
      "both 'registry' and 'server' must be specified together",
    ],
    [
      'server without registry',
      { name: 'x', server: 's' },
      "both 'registry' and 'server' must be specified together",
    ],
    ['nothing to run', { name: 'x' }, "either 'image', 'url', or 'registry'+'server' fields are required"],
    ['no name', { image: 'x' }, 'invalid workload name: workload name cannot be empty'],
    [
      'a path as name',
      { image: 'x', name: '../x' },
      'invalid workload name: workload name contains path traversal',
    ],
    [
      'a name too long',
      { image: 'x', name: 'x'.repeat(101) },
      'invalid workload name: workload name too long (max 100 characters)',
    ],
    [
      'a transport that does not exist',
      { image: 'x', name: 'xx', transport: 'pigeon' },
      'invalid run configuration provided: Failed to build run config: failed to validate run config: invalid transport mode: pigeon. Valid modes are: sse, streamable-http, stdio',
    ],
    [
      'a proxy mode that does not exist',
      { image: 'x', name: 'xx', proxy_mode: 'pigeon' },
      'invalid run configuration provided: Invalid proxy_mode: pigeon',
    ],
    [
      'a variable without a name',
      { image: 'x', name: 'xx', env_vars: { '': 'y' } },
      'invalid run configuration provided: Failed to build run config: failed to validate run config: invalid environment variable name: ""',
    ],
    ['a group that does not exist', { image: 'x', name: 'xx', group: 'nope' }, "group 'nope' does not exist"],
  ])('%s', async (_what, body, expected) => {
    expect(await api.ask('POST', '/api/v1beta/workloads', { body })).toMatchObject({
      status: 400,
      text: `${expected}\n`,
    });
  });
});

describe('bulk operations', () => {
  test.each(['stop', 'restart', 'delete'])('%s', async (verb) => {
    const bulk = (body: unknown) => api.ask('POST', `/api/v1beta/workloads/${verb}`, { body });
    expect(await bulk('{')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^failed to decode request: /),
    });
    expect(await bulk({ names: ['a'], group: 'default' })).toMatchObject({
      status: 400,
      text: 'cannot specify both names and group\n',
    });
    expect(await bulk({})).toMatchObject({ status: 400, text: 'must specify either names or group\n' });
    expect(await bulk({ names: [] })).toMatchObject({
      status: 400,
      text: 'must specify either names or group\n',
    });
    expect(await bulk({ group: 'X' })).toMatchObject({
      status: 400,
      text: 'invalid group name: group name must be lowercase\n',
    });
    expect(await bulk({ group: 'nope' })).toMatchObject({
      status: 400,
      text: "group 'nope' does not exist\n",
    });
    expect(await bulk({ names: ['a', '../b'] })).toMatchObject({
      status: 400,
      text: 'invalid workload name: workload name contains path traversal\n',
    });
  });
});

test('lists of groups that are not there', async () => {
  const list = (group: string) => api.ask('GET', `/api/v1beta/workloads?group=${encodeURIComponent(group)}`);
  expect(await list('nope')).toMatchObject({ status: 404, text: 'group not found: nope\n' });
  expect(await list('../x')).toMatchObject({
    status: 400,
    text: expect.stringMatching(/^invalid group name: /),
  });
});

test.each([
  ['GET', '/api/v1beta/workloads/a%20b'],
  ['GET', '/api/v1beta/workloads/a%20b/status'],
  ['GET', '/api/v1beta/workloads/a%20b/logs'],
  ['GET', '/api/v1beta/workloads/a%20b/proxy-logs'],
  ['GET', '/api/v1beta/workloads/a%20b/network'],
  ['GET', '/api/v1beta/workloads/a%20b/export'],
  ['POST', '/api/v1beta/workloads/a%20b/stop'],
  ['POST', '/api/v1beta/workloads/a%20b/restart'],
  ['DELETE', '/api/v1beta/workloads/a%20b'],
])('%s %s: a bad name is 400', async (method, path) => {
  const { status, text: body } = await api.ask(method, path);
  expect(status).toBe(400);
  expect(body).toStartWith('invalid workload name: ');
});

test.each([
  ['lines=0', 'invalid lines: 0 (a number from 1 to 10000)'],
  ['lines=10001', 'invalid lines: 10001 (a number from 1 to 10000)'],
  ['lines=x', 'invalid lines: x (a number from 1 to 10000)'],
])('logs?%s', async (query, expected) => {
  expect(await api.ask('GET', `/api/v1beta/workloads/x/logs?${query}`)).toMatchObject({
    status: 400,
    text: `${expected}\n`,
  });
});

test.each([
  ['wait=ready', /^invalid wait: ready \(one of starting, running, [^)]+\)\n$/],
  ['wait=running&timeout=61s', /^invalid timeout: 61s \(0s to 60s\)\n$/],
])('status?%s', async (query, expected) => {
  const { status, text: body } = await api.ask('GET', `/api/v1beta/workloads/x/status?${query}`);
  expect(status).toBe(400);
  expect(body).toMatch(expected);
});

test('of a server that is a process, too, the log is as long as was asked for', async () => {
  const name = parseWorkloadName('process');
  const document = { name, image: 'npx://some', runtime: 'process', transport: 'stdio', port: 1 };
  await createRunConfigStore(world.state).save(name, parseRunConfig(JSON.stringify(document)));
  await createStatusStore(world.data, silentLogger).set(name, 'stopped');
  await mkdir(join(world.data, 'processes', name), { recursive: true });
  const lines = Array.from({ length: 1500 }, (_, index) => `line ${index}\n`);
  await writeFile(join(world.data, 'processes', name, 'output.log'), lines.join(''));
  const logs = async (query: string) =>
    (await api.ask('GET', `/api/v1beta/workloads/${name}/logs${query}`)).text;
  expect(await logs('')).toBe(lines.slice(-1000).join(''));
  expect(await logs('?lines=2')).toBe('line 1498\nline 1499\n');
  expect(await logs('?lines=1&follow=true')).toBe('line 1499\n');
});

test.each(['DELETE', 'stop'])(
  '%s does not wait for what comes of an edit, and has the last word',
  async (how) => {
    const name = `edited-${how.toLowerCase()}`;
    const path = `/api/v1beta/workloads/${name}`;
    const body = { name, url: `http://127.0.0.1:${freePort()}/mcp` };
    const status = async () => {
      const reply = await api.ask('GET', `${path}/status`);
      // Where there is no engine nobody can tell that it is not there.
      return reply.status === 200 ? reply.json()['status'] : 'gone';
    };
    expect((await api.ask('POST', '/api/v1beta/workloads', { body })).status).toBe(201);
    const edit = await api.ask('POST', `${path}/edit`, { body: { ...body, proxy_mode: 'streamable-http' } });
    expect(edit.status).toBe(200);
    const reply = await (how === 'DELETE' ? api.ask('DELETE', path) : api.ask('POST', `${path}/stop`));
    expect(reply.status).toBe(202);
    await waitFor(status, (seen) => seen === (how === 'DELETE' ? 'gone' : 'stopped'), {
      what: 'it has happened',
      deadlineMs: 15_000,
    });
    await api.ask('DELETE', path);
    await waitFor(status, (seen) => seen === 'gone', { what: 'it is gone' });
  },
  30_000,
);
