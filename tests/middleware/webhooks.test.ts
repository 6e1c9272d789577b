import { describe, expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import { waitFor } from '../harness/wait-for.ts';
import { openHttpAudit, openStdioAudit, post } from './audit-world.ts';

interface Question {
  readonly version: string;
  readonly uid: string;
  readonly timestamp: string;
  readonly principal: { readonly sub: string; readonly claims: Readonly<Record<string, unknown>> };
  readonly mcp_request: Readonly<Record<string, unknown>>;
  readonly context: { readonly server_name: string; readonly source_ip: string; readonly transport: string };
}

type Answer = object | Response | ((question: Question) => object | Response | Promise<Response>);

/** A webhook that answers as it is told to. */
function openHook(answer: Answer) {
  const asked: { readonly text: string; readonly question: Question; readonly headers: Headers }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request): Promise<Response> {
      const text = await request.text();
      const question: Question = JSON.parse(text);
      asked.push({ text, question, headers: request.headers });
      const reply = typeof answer === 'function' ? await answer(question) : answer;
      return reply instanceof Response
        ? new Response(await reply.clone().text(), reply)
        : Response.json(reply);
    },
  });
  return { url: `http://127.0.0.1:${server.port}/`, asked, [Symbol.asyncDispose]: () => server.stop(true) };
}

const webhook = (url: string, more: object = {}) => ({
  name: 'hook',
  url,
  failure_policy: 'fail',
  timeout: 1_000_000_000,
  tls_config: { insecure_skip_verify: true },
  ...more,
});
const entry = (kind: 'validating' | 'mutating', ...webhooks: object[]) => ({
  type: `${kind}-webhook`,
  parameters: { webhooks, server_name: 'srv', transport: 'streamable-http' },
});

const CALL = { id: 7, method: 'tools/call', params: { name: 'a', arguments: { n: 1 } } };
const RAW =
  '{"jsonrpc":"2.0", "id":7,"method":"tools/call","params":{"name":"a","arguments":{"n":12345678901234567890}}}';
const patch = (...operations: object[]) => ({ allowed: true, patch_type: 'json_patch', patch: operations });

async function answerOf(
  response: Response,
): Promise<readonly [number, string | undefined, number | undefined, unknown]> {
  const text = await response.text();
  const { error, id } = JSON.parse(/^data: ?(.*)$/m.exec(text)?.[1] ?? text);
  return [response.status, error?.message, error?.code, id];
}

test('a validating webhook is told who asks what, to the byte, and signed for', async () => {
  await using hook = openHook({ allowed: true });
  const chain = [
    entry(
      'validating',
      webhook(hook.url, { hmac_secret_ref: 'key,target=x' }),
      webhook(hook.url, { name: 'two' }),
    ),
  ];
  const services = { findSecret: async (name: string, view: string) => `${view}:${name}` };
  await using world = await openHttpAudit({ chain, services });
  expect((await post(world.base, RAW, { Authorization: 'Bearer sesame' })).status).toBe(200);
  const [first, second] = hook.asked;
  expect(first?.text).toContain(`"mcp_request":${RAW},`);
  expect(first?.question).toMatchObject({
    version: 'v0.1.0',
    principal: { sub: expect.any(String), claims: { iss: 'toolhive-local' } },
    context: {
      server_name: 'srv',
      source_ip: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      transport: 'streamable-http',
    },
  });
  expect(second?.question.uid).toBe(first?.question.uid as string);
  const seconds = first?.headers.get('x-toolhive-timestamp');
  const digest = createHmac('sha256', 'user:key').update(`${seconds}.${first?.text}`).digest('hex');
  expect(first?.headers.get('x-toolhive-signature')).toBe(`sha256=${digest}`);
  expect(second?.headers.has('x-toolhive-signature')).toBe(false);
  expect(first?.text).not.toContain('sesame');
});

const late: Answer = () => new Promise<Response>(() => {});
const FAULTS: readonly (readonly [string, Answer])[] = [
  ['a fault of its own', new Response('', { status: 500 })],
  ['another status', new Response('', { status: 404 })],
  ['no JSON', new Response('yes')],
  ['a list', [1]],
  ['the answer to another question', { allowed: true, uid: 'other' }],
  ['too much', () => new Response(`{"allowed":true,"x":"${'x'.repeat(1024 * 1024)}"}`)],
  ['a redirect', () => Response.redirect('http://127.0.0.1:1/', 307)],
  ['no answer in time', late],
];

describe('a validating webhook', () => {
  test.each<[string, Answer]>([
    ['says no', { allowed: false, message: 'internal', code: 418 }],
    ['says nothing', {}],
    ['says 422', new Response('', { status: 422 })],
  ])('that %s refuses the call, whatever its policy', async (_, answer) => {
    await using hook = openHook(answer);
    const chain = [entry('validating', webhook(hook.url, { failure_policy: 'ignore' }))];
    await using world = await openStdioAudit({ chain });
    expect(await answerOf(await post(world.base, CALL))).toEqual([403, 'Request denied by policy', 403, 7]);
    expect(world.reached).toEqual([]);
  });

  test.each(FAULTS)('with %s refuses, or is passed over where its policy says so', async (_, answer) => {
    await using hook = openHook(answer);
    await using strict = await openHttpAudit({ chain: [entry('validating', webhook(hook.url))] });
    await using lenient = await openHttpAudit({
      chain: [entry('validating', webhook(hook.url, { failure_policy: 'ignore' }))],
    });
    const [refused, passed] = await Promise.all([post(strict.base, CALL), post(lenient.base, CALL)]);
    expect(await answerOf(refused)).toEqual([403, 'Request denied by policy', 403, 7]);
    expect([strict.reached, passed.status]).toEqual([[], 200]);
    expect(strict.logged.some(({ msg, webhook: name }) => msg === 'webhook failed' && name === 'hook')).toBe(
      true,
    );
  });

  test('hears of messages alone, and of none that is longer than a megabyte', async () => {
    await using hook = openHook({ allowed: true });
    await using world = await openHttpAudit({ chain: [entry('validating', webhook(hook.url))] });
    await post(world.base, '{"jsonrpc":"2.0","id":1,"result":{}}');
    await fetch(`${world.base}/mcp`, { method: 'DELETE' });
    expect(hook.asked).toEqual([]);
    const large = { ...CALL, params: { name: 'a', arguments: { x: 'x'.repeat(1024 * 1024) } } };
    expect(await answerOf(await post(world.base, large))).toEqual([
      413,
      'Request body exceeds maximum size',
      -32_600,
      7,
    ]);
  });
});

describe('a mutating webhook', () => {
  test('changes what the server gets, and what everybody behind it goes by; other digits stay', async () => {
    await using hook = openHook(
      patch(
        { op: 'replace', path: '/mcp_request/params/name', value: 'b' },
        { op: 'add', path: '/mcp_request/params/arguments/by', value: 'hook' },
      ),
    );
    await using second = openHook(
      patch({ op: 'add', path: '/mcp_request/params/arguments/two', value: true }),
    );
    await using guard = openHook({ allowed: true });
    const chain = [
      entry('validating', webhook(guard.url)),
      entry('mutating', webhook(hook.url), webhook(second.url, { name: 'two' })),
    ];
    await using world = await openHttpAudit({ audit: { includeRequestData: true }, chain });
    await (await post(world.base, RAW, { 'Mcp-Name': 'a', 'Mcp-Method': 'tools/call' })).text();
    const got = await world.requests[0]?.text();
    expect(got).toBe(
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"b","arguments":{"n":12345678901234567890,"by":"hook","two":true}}}',
    );
    expect(world.requests[0]?.headers.get('mcp-name')).toBe('b');
    expect(guard.asked[0]?.text).toContain(`"mcp_request":${got},`);
    expect(second.asked[0]?.question.uid).not.toBe(hook.asked[0]?.question.uid as string);
    const [event] = await waitFor(world.events, ({ length }) => length > 0, { what: 'an event' });
    expect(event?.target['name']).toBe('b');
    // What the client sent, without what the webhooks put into it.
    expect(JSON.stringify(event?.data?.request)).not.toContain('hook');
  });

  test.each<[string, Answer, readonly [number, string, number, number]]>([
    ['says no', { allowed: false }, [403, 'Request denied by webhook policy', 403, 7]],
    ['says 422', new Response('', { status: 422 }), [422, 'Request denied by webhook policy', 403, 7]],
    [
      'makes an answer of the request',
      patch({ op: 'remove', path: '/mcp_request/method' }),
      [500, 'Webhook produced an invalid MCP request', -32_603, 7],
    ],
    [
      'gives it another id',
      patch({ op: 'replace', path: '/mcp_request/id', value: 8 }),
      [500, 'Webhook produced an invalid MCP request', -32_603, 7],
    ],
    [
      'makes it readable two ways',
      patch({ op: 'add', path: '/mcp_request/Method', value: 'tools/list' }),
      [500, 'Webhook produced an invalid MCP request', -32_603, 7],
    ],
  ])('that %s refuses the call, whatever its policy', async (_, answer, expected) => {
    await using hook = openHook(answer);
    await using world = await openHttpAudit({
      chain: [entry('mutating', webhook(hook.url, { failure_policy: 'ignore' }))],
    });
    expect(await answerOf(await post(world.base, CALL))).toEqual([...expected]);
    expect(world.reached).toEqual([]);
  });

  test.each<[string, Answer, string]>([
    ...FAULTS.map(([what, answer]) => [what, answer, 'Webhook error'] as [string, Answer, string]),
    [
      'another kind of patch',
      { allowed: true, patch_type: 'merge', patch: [] },
      'Unsupported patch type from webhook',
    ],
    ['no patch', { allowed: true, patch_type: 'json_patch', patch: 'x' }, 'Malformed patch from webhook'],
    ['an unknown operation', patch({ op: 'x', path: '/mcp_request/a' }), 'Invalid patch from webhook'],
    [
      'a path elsewhere',
      patch({ op: 'replace', path: '/principal/sub', value: 'x' }),
      'Patch must be scoped to mcp_request',
    ],
    [
      'the whole request',
      patch({ op: 'replace', path: '/mcp_request', value: {} }),
      'Patch must be scoped to mcp_request',
    ],
    [
      'a source elsewhere',
      patch({ op: 'copy', from: '/context', path: '/mcp_request/params/x' }),
      'Patch must be scoped to mcp_request',
    ],
    [
      'a patch that does not apply',
      patch({ op: 'remove', path: '/mcp_request/params/none' }),
      'Failed to apply patch from webhook',
    ],
  ])(
    'with %s refuses, or leaves the message as it is where its policy says so',
    async (_, answer, message) => {
      await using hook = openHook(answer);
      await using strict = await openHttpAudit({ chain: [entry('mutating', webhook(hook.url))] });
      await using lenient = await openHttpAudit({
        chain: [entry('mutating', webhook(hook.url, { failure_policy: 'ignore' }))],
      });
      const [refused, passed] = await Promise.all([post(strict.base, RAW), post(lenient.base, RAW)]);
      expect(await answerOf(refused)).toEqual([500, message, -32_603, 7]);
      expect([strict.reached, passed.status]).toEqual([[], 200]);
      expect(await lenient.requests[0]?.text()).toBe(RAW);
    },
  );

  test('with a secret that is empty keeps the proxy from starting', async () => {
    const chain = [entry('mutating', webhook('http://127.0.0.1:1/', { hmac_secret_ref: 'key' }))];
    const services = { findSecret: async () => '' };
    await expect(openHttpAudit({ chain, services })).rejects.toThrow(
      'webhook "hook" has HMAC configured but resolved secret is empty',
    );
  });
});
