import { describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { bearer, call, openGuarded } from '../authentication/guarded.ts';
import { waitFor } from '../harness/wait-for.ts';
import {
  type AuditLine,
  type ChainWorld,
  openHttpAudit,
  openSession,
  openStdioAudit,
  post,
  readEvents,
} from './audit-world.ts';

const texts = { type: 'object', additionalProperties: { type: 'string' } };
/** A line of the log (spec 05 §16.3). */
const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: [
    'time',
    'level',
    'msg',
    'audit_id',
    'type',
    'logged_at',
    'outcome',
    'component',
    'source',
    'subjects',
    'target',
    'metadata',
  ],
  properties: {
    time: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d+Z$' },
    level: { const: 'AUDIT' },
    msg: { const: 'audit_event' },
    audit_id: {
      type: 'string',
      pattern: '^[\\da-f]{8}-[\\da-f]{4}-4[\\da-f]{3}-[89ab][\\da-f]{3}-[\\da-f]{12}$',
    },
    type: { type: 'string', pattern: '^(mcp|http|sse)_[a-z_]+$' },
    logged_at: { type: 'string' },
    outcome: { enum: ['success', 'denied', 'failure', 'error', 'application_error'] },
    component: { const: 'srv' },
    source: {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'value', 'extra'],
      properties: {
        type: { const: 'network' },
        value: { type: 'string', minLength: 1 },
        extra: { ...texts, propertyNames: { enum: ['user_agent', 'request_id'] } },
      },
    },
    subjects: { ...texts, required: ['user'] },
    target: { ...texts, required: ['endpoint', 'method', 'type'] },
    metadata: {
      type: 'object',
      required: ['extra'],
      properties: { extra: { type: 'object', properties: { duration_ms: { type: 'integer', minimum: 0 } } } },
    },
    data: { type: 'object', additionalProperties: false, properties: { request: {}, response: {} } },
  },
};
const isEvent = new Ajv({ strict: false }).compile(SCHEMA);

async function eventsOf(world: ChainWorld, count: number): Promise<readonly AuditLine[]> {
  const events = await waitFor(world.events, (seen) => seen.length >= count, { what: `${count} events` });
  for (const event of events) if (!isEvent(event)) throw new Error(JSON.stringify([event, isEvent.errors]));
  return events;
}

const CALLS: readonly (readonly [method: string, params: object, type: string, target: object])[] = [
  ['ping', {}, 'mcp_ping', { method: 'ping', name: 'ping', type: 'endpoint' }],
  ['tools/list', {}, 'mcp_tools_list', { method: 'tools/list', type: 'endpoint' }],
  [
    'tools/call',
    { name: 'weather', arguments: { city: 'Ghent' } },
    'mcp_tool_call',
    { method: 'tools/call', name: 'weather', type: 'tool' },
  ],
  [
    'resources/list',
    { cursor: 'c1' },
    'mcp_resources_list',
    { method: 'resources/list', name: 'c1', type: 'endpoint' },
  ],
  [
    'resources/read',
    { uri: 'db://u:pw@host/x' },
    'mcp_resource_read',
    { method: 'resources/read', name: 'db://[secret]@host/x', type: 'resource' },
  ],
  ['prompts/list', {}, 'mcp_prompts_list', { method: 'prompts/list', type: 'endpoint' }],
  [
    'prompts/get',
    { name: 'hello' },
    'mcp_prompt_get',
    { method: 'prompts/get', name: 'hello', type: 'prompt' },
  ],
  [
    'logging/setLevel',
    { level: 'info' },
    'mcp_logging',
    { method: 'logging/setLevel', name: 'info', type: 'endpoint' },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'hello' }, argument: {} },
    'mcp_completion',
    { method: 'completion/complete', name: 'hello', type: 'endpoint' },
  ],
  ['resources/templates/list', {}, 'mcp_request', { method: 'resources/templates/list', type: 'endpoint' }],
];
const NOTIFICATIONS = [
  ['notifications/message', 'mcp_notification'],
  ['notifications/roots/list_changed', 'mcp_roots_list_changed'],
  ['notifications/initialized', 'mcp_request'],
] as const;

describe.each([
  ['the bridge of a stdio server', openStdioAudit],
  ['the reverse proxy', openHttpAudit],
] as const)('a session at %s', (_, open) => {
  test('leaves one event of each kind, as the schema has them', async () => {
    await using world = await open({ audit: {} });
    const ask = await openSession(world.base);
    let id = 1;
    for (const [method, params] of CALLS) await ask({ id: id++, method, params });
    for (const [method] of NOTIFICATIONS) await ask({ method, params: {} });
    const gone = new AbortController();
    await fetch(`${world.base}/mcp`, { headers: { Accept: 'text/event-stream' }, signal: gone.signal }).catch(
      () => undefined,
    );
    gone.abort();
    await fetch(`${world.base}/elsewhere`, { method: 'PUT', body: 'x' });
    const events = await eventsOf(world, CALLS.length + NOTIFICATIONS.length + 3);
    expect(events.map(({ type }) => type)).toEqual([
      'mcp_initialize',
      ...CALLS.map(([, , type]) => type),
      ...NOTIFICATIONS.map(([, type]) => type),
      'sse_connection',
      'http_request',
    ]);
    for (const [at, [, , , target]] of CALLS.entries())
      expect(events[at + 1]?.target).toEqual({ endpoint: '/mcp', ...target } as never);
    expect(events[3]).toMatchObject({
      outcome: 'success',
      source: { value: '127.0.0.1' },
      metadata: { extra: { transport: 'http' } },
    });
    expect(events[3]?.subjects['user']).toStartWith('Local User: ');
    // Nothing of arguments unless it is asked for.
    expect(JSON.stringify(events)).not.toContain('Ghent');
  });

  test('an answer that is a JSON-RPC error is told apart, however long it is', async () => {
    await using world = await open({ audit: {} });
    const ask = await openSession(world.base);
    await ask({ id: 1, method: 'tools/call', params: { name: 'broken' } });
    const [, event] = await eventsOf(world, 2);
    expect(event).toMatchObject({
      outcome: 'application_error',
      metadata: { extra: { jsonrpc_error_code: -32_001, truncated: true } },
    });
    expect(String(event?.metadata.extra['jsonrpc_error_message'])).toHaveLength(256);
  });

  test('data is shown where it is asked for, cut to its size, and no credentials with it', async () => {
    await using world = await open({
      audit: { includeRequestData: true, includeResponseData: true, maxDataSize: 200 },
    });
    const ask = await openSession(world.base);
    const secret = { Authorization: 'Bearer tok-sesame', Cookie: 'a=sesame' };
    await ask({ id: 1, method: 'tools/call', params: { name: 'a', arguments: { b: 1 } } }, secret);
    await ask(
      { id: 2, method: 'tools/call', params: { name: 'a', arguments: { b: 'é'.repeat(500) } } },
      secret,
    );
    const [, small, large] = await eventsOf(world, 3);
    expect(small?.data?.request).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'a', arguments: { b: 1 } },
    });
    expect(JSON.stringify(small?.data?.response)).toContain('done');
    expect(small?.metadata.extra['truncated']).toBeUndefined();
    const cut = String(large?.data?.request);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(200);
    expect(cut).toEndWith('é');
    expect(large?.metadata.extra['truncated']).toBe(true);
    expect(readFileSync(world.logFile, 'utf8')).not.toContain('sesame');
    expect(statSync(world.logFile).mode & 0o777).toBe(0o600);
  });

  test('with failClosed nothing reaches the server while nothing can be logged, and then it goes on', async () => {
    await using world = await open({ audit: { failClosed: true } });
    const ask = await openSession(world.base);
    await eventsOf(world, 1);
    // The folder goes: the file cannot be made again.
    rmSync(world.folder, { recursive: true });
    await ask({ id: 1, method: 'tools/call', params: { name: 'a' } });
    const refused = await waitFor(
      () => ask({ id: 2, method: 'tools/call', params: { name: 'b' } }),
      ({ status }) => status === 503,
      { what: 'a refusal' },
    );
    const before = world.reached.length;
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(JSON.parse(refused.text).error.message).toBe(
      'The audit log cannot be written, and no call is let through without it',
    );
    await ask({ id: 3, method: 'tools/call', params: { name: 'c' } });
    expect(world.reached.length).toBe(before);
    await mkdir(world.folder);
    await waitFor(
      () => ask({ id: 4, method: 'ping' }),
      ({ status }) => status === 200,
      { what: 'calls that pass again' },
    );
    const events = await eventsOf(world, 3);
    // The call that was on its way when the disk went is there as well.
    expect(events[0]).toMatchObject({ type: 'mcp_tool_call', outcome: 'success', target: { name: 'a' } });
    expect(events.some(({ outcome, target }) => outcome === 'error' && target['name'] === undefined)).toBe(
      true,
    );
    const told = world.logged.filter(({ msg }) => msg === 'audit log cannot be written');
    expect(told).toHaveLength(1);
  });

  test('a log that cannot be written keeps no call from its answer', async () => {
    await using world = await open({ audit: {} });
    const ask = await openSession(world.base);
    await eventsOf(world, 1);
    rmSync(world.folder, { recursive: true });
    for (let id = 1; id <= 20; id++) expect((await ask({ id, method: 'ping' })).status).toBe(200);
    const errors = () => world.logged.filter(({ level }) => level === 'ERROR');
    const [told] = await waitFor(errors, ({ length }) => length > 0, { what: 'a word about it' });
    expect(told).toMatchObject({ msg: 'audit log cannot be written', place: world.logFile, lost: 0 });
    await mkdir(world.folder);
    // None was lost, as there was room to keep them.
    expect(await eventsOf(world, 20)).toHaveLength(20);
  });
});

describe('audit', () => {
  test('of the old transport tells of its streams and its calls', async () => {
    await using world = await openStdioAudit({ audit: {} });
    const gone = new AbortController();
    const stream = await fetch(`${world.base}/sse`, {
      headers: { Accept: 'text/event-stream' },
      signal: gone.signal,
    });
    const reader = stream.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    const url = /data: (\S+)/.exec(first)?.[1] ?? '';
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    await fetch(new URL(url, world.base), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    const events = await eventsOf(world, 2);
    gone.abort();
    expect(events).toMatchObject([
      {
        type: 'sse_connection',
        target: { endpoint: '/sse', method: 'GET', type: 'sse_endpoint' },
        metadata: { extra: { transport: 'stdio' } },
      },
      { type: 'mcp_ping', outcome: 'success', metadata: { extra: { transport: 'sse' } } },
    ]);
    // The id of a session is all that one needs to speak in it.
    expect(readFileSync(world.logFile, 'utf8')).not.toContain('session_id');
  });

  test.each([
    ['eventTypes', { eventTypes: ['mcp_ping'] }, ['mcp_ping']],
    [
      'excludeEventTypes, which win',
      { eventTypes: ['mcp_ping', 'mcp_initialize'], excludeEventTypes: ['mcp_ping'] },
      ['mcp_initialize'],
    ],
  ])('logs what %s let through', async (_, audit, types) => {
    await using world = await openStdioAudit({ audit });
    const ask = await openSession(world.base);
    await ask({ id: 1, method: 'ping' });
    await ask({ id: 2, method: 'tools/list' });
    const events = await eventsOf(world, types.length);
    expect(events.map(({ type }) => type)).toEqual(types);
  });

  test('that is switched off leaves no trace', async () => {
    await using world = await openStdioAudit({ audit: { enabled: false } });
    expect((await post(world.base, { id: 1, method: 'ping' })).status).not.toBe(500);
    expect(() => statSync(world.logFile)).toThrow();
  });

  test('believes what a client says of its address only behind a trusted proxy', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.7, 10.0.0.1', 'X-Request-ID': 'r1', 'User-Agent': 'x/1' };
    for (const [trustProxyHeaders, value] of [
      [false, '127.0.0.1'],
      [true, '203.0.113.7'],
    ] as const) {
      await using world = await openStdioAudit({ audit: {}, trustProxyHeaders });
      await post(world.base, { id: 1, method: 'ping' }, headers);
      const [event] = await eventsOf(world, 1);
      expect(event?.source).toEqual({
        type: 'network',
        value,
        extra: { user_agent: 'x/1', request_id: 'r1' },
      } as never);
    }
  });

  test('tells an error in an answer that comes as an event stream', async () => {
    const error = { jsonrpc: '2.0', id: 1, error: { code: -32_603, message: 'no' } };
    await using world = await openHttpAudit({
      audit: {},
      respond: () =>
        new Response(`event: message\ndata: ${JSON.stringify(error)}\n\n`, {
          headers: { 'Content-Type': 'text/event-stream' },
        }),
    });
    await (await post(world.base, { id: 1, method: 'tools/call', params: { name: 'a' } })).text();
    expect(await eventsOf(world, 1)).toMatchObject([
      {
        outcome: 'application_error',
        metadata: { extra: { jsonrpc_error_code: -32_603, jsonrpc_error_message: 'no' } },
      },
    ]);
  });

  test('tells of calls that the tool filter refuses', async () => {
    const tools = { filter_tools: ['mine'], tools_override: {} };
    const chain = [{ type: 'tool-call-filter', parameters: tools }];
    await using world = await openStdioAudit({ audit: {}, chain });
    const ask = await openSession(world.base);
    await ask({ id: 1, method: 'tools/call', params: { name: 'other' } });
    const [, event] = await eventsOf(world, 2);
    expect(event).toMatchObject({
      type: 'mcp_tool_call',
      outcome: 'application_error',
      target: { name: 'other' },
      metadata: { extra: { jsonrpc_error_message: 'tool not found' } },
    });
  });

  test('of a caller without a token says what was asked, and of one with a token who that is, never the token', async () => {
    const logFile = join(mkdtempSync(join(tmpdir(), 'thv-audit-')), 'a.log');
    await using world = await openGuarded({ config: { require_token: true, audit_config: { logFile } } });
    const made = await world.tokens.create({
      name: 'ann',
      workloads: ['w'],
      tools: undefined,
      expiresAt: undefined,
    });
    const ask = { id: 1, method: 'tools/call', params: { name: 'read' } };
    expect((await call(world.base, ask)).status).toBe(401);
    expect((await call(world.base, ask, bearer('thv_nonsense'))).status).toBe(401);
    expect((await call(world.base, ask, bearer(made.token))).status).toBeLessThan(300);
    const large = JSON.stringify({ jsonrpc: '2.0', ...ask, params: { name: 'x'.repeat(70_000) } });
    expect((await fetch(`${world.base}/mcp`, { method: 'POST', body: large })).status).toBe(401);
    const events = await waitFor(
      () => readEvents(logFile),
      ({ length }) => length >= 4,
      { what: '4 events' },
    );
    const seen = (events as AuditLine[]).map(({ type, outcome, subjects, target }) => [
      type,
      outcome,
      subjects['user_id'],
      target['name'],
    ]);
    expect(seen.toSorted()).toEqual(
      [
        ['mcp_tool_call', 'denied', undefined, 'read'],
        ['mcp_tool_call', 'denied', undefined, 'read'],
        ['mcp_tool_call', 'success', 'token:ann', 'read'],
        // Longer than what is read for the log alone.
        ['http_request', 'denied', undefined, undefined],
      ].toSorted(),
    );
    const text = readFileSync(logFile, 'utf8');
    expect([text.includes('thv_nonsense'), text.includes(made.token)]).toEqual([false, false]);
  });

  test('closes its file when the port closes', async () => {
    const openFiles = () => {
      const { stdout } = Bun.spawnSync(['ls', '-l', `/proc/${process.pid}/fd`]);
      return stdout.toString();
    };
    const world = await openStdioAudit({ audit: {} });
    await post(world.base, { id: 1, method: 'ping' });
    await eventsOf(world, 1);
    expect(openFiles()).toContain(world.logFile);
    await world[Symbol.asyncDispose]();
    expect(openFiles()).not.toContain(world.logFile);
  });
});
