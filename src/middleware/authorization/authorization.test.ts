import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { openAuthorizer, parseAuthzConfig } from '../../authz/index.ts';
import type { Identity } from '../../oidc/index.ts';
import { silentLogger } from '../../platform/index.ts';
import type { Handler, RequestContext } from '../../proxy/index.ts';
import { composeChain } from '../chain.ts';
import { createMcpParser } from '../mcp-parser/mcp-parser.ts';
import type { Middleware } from '../types.ts';
import { authorizeBy } from './authorization.ts';

const PARSER = createMcpParser({}, { reads: new Set(['message']) });

function identity(claims: Record<string, unknown>): Identity {
  const subject = 'u1';
  return {
    kind: 'oidc',
    subject,
    platformUserId: subject,
    owner: undefined,
    name: undefined,
    email: undefined,
    claims: { sub: subject, ...claims },
    delegation: undefined,
    token: undefined,
    tools: undefined,
  };
}

interface World extends Disposable {
  /** Bodies that reached the server. */
  readonly reached: readonly string[];
  ask(message: unknown, options?: AskOptions): Promise<Response>;
}

interface AskOptions {
  readonly method?: string;
  readonly type?: string;
  readonly path?: string;
}

async function openWorld(
  policies: readonly string[],
  answer: (message: { id?: unknown; method?: string }) => Response,
  claims: Record<string, unknown> = {},
): Promise<World> {
  const config = parseAuthzConfig({ version: '1.0', type: 'cedarv1', cedar: { policies } });
  const authorizer = await openAuthorizer(config, { workload: 'srv', env: {}, log: silentLogger });
  const reached: string[] = [];
  const who = identity(claims);
  const identify: Middleware = (request, context, next) => {
    context.identity = who;
    return next(request, context);
  };
  const endpoint: Handler = async (request) => {
    const text = await request.text();
    reached.push(text);
    return answer(text === '' ? {} : JSON.parse(text));
  };
  const middlewares = [identify, PARSER, authorizeBy(authorizer, silentLogger)].filter(
    (one) => one !== undefined,
  );
  const chain = composeChain(middlewares, endpoint);
  return {
    reached,
    async ask(message, { method = 'POST', type = 'application/json', path = '/mcp' } = {}) {
      const body = typeof message === 'string' ? message : JSON.stringify(message);
      const init = method === 'GET' ? { method } : { method, body, headers: { 'Content-Type': type } };
      const context: RequestContext = { path, remoteAddress: '', keepOpen() {}, letGo() {} };
      return chain(new Request(`http://x${path}`, init), context);
    },
    [Symbol.dispose]: () => authorizer[Symbol.dispose](),
  };
}

const ok = () => Response.json({ jsonrpc: '2.0', id: 1, result: {} });
const call = (name: unknown, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, ...more },
});
const WEATHER = 'permit(principal, action == Action::"call_tool", resource == Tool::"weather");';
const DENIED = '{"jsonrpc":"2.0","id":1,"error":{"code":403,"message":"Unauthorized"}}';
const MALFORMED = 'Invalid or malformed MCP request\n';

describe('a request', () => {
  test.each<[string, unknown, number, string | undefined, AskOptions?]>([
    ['for the tool of a policy is passed on', call('weather'), 200, undefined],
    ['for another tool is refused', call('calc'), 403, DENIED],
    [
      'with escapes in its name is what the server will read',
      '{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"name":"c\\u0061lc"}}',
      403,
      DENIED,
    ],
    [
      'with escapes may be the one of a policy',
      '{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"name":"we\\u0061ther"}}',
      200,
      undefined,
    ],
    [
      'with a number as id has it back as it was',
      '{"jsonrpc":"2.0","id":1.50,"method":"tools/call","params":{"name":"x"}}',
      403,
      DENIED.replace('"id":1', '"id":1.50'),
    ],
    [
      'without an id has none in its refusal',
      '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}',
      403,
      DENIED.replace('"id":1,', ''),
    ],
    ['whose name is a number is refused', call(5), 400, MALFORMED],
    ['whose name is a list is refused', call(['weather']), 400, MALFORMED],
    ['whose arguments are a text is refused', call('weather', { arguments: '{"a":1}' }), 400, MALFORMED],
    ['whose arguments are null is passed on', call('weather', { arguments: null }), 200, undefined],
    ['without a name is decided by policies', { jsonrpc: '2.0', id: 1, method: 'tools/call' }, 403, DENIED],
    ['as plain text is refused', call('weather'), 400, MALFORMED, { type: 'text/plain' }],
    ['without a content type is refused', call('weather'), 400, MALFORMED, { type: '' }],
    [
      'with parameters in its content type is passed on',
      call('weather'),
      200,
      undefined,
      { type: 'Application/JSON; charset=utf-8' },
    ],
    ['in a PUT is decided all the same', call('calc'), 403, DENIED, { method: 'PUT' }],
    ['to a path of SSE is decided all the same', call('calc'), 403, DENIED, { path: '/x/sse' }],
    ['that is no message is refused', '{"jsonrpc":"2.0"}', 400, MALFORMED],
    ['that is no JSON is refused', 'name=weather', 400, MALFORMED],
    ['that answers the server is passed on', { jsonrpc: '2.0', id: 1, result: {} }, 200, undefined],
    ['that opens a stream is passed on', '', 200, undefined, { method: 'GET' }],
    ...[
      'initialize',
      'ping',
      'logging/setLevel',
      'completion/complete',
      'roots/list',
      'server/discover',
      'features/list',
      'subscriptions/listen',
      'notifications/initialized',
      'notifications/tasks/status',
    ].map((method): [string, unknown, number, undefined] => [
      `${method} is passed on`,
      { jsonrpc: '2.0', id: 1, method },
      200,
      undefined,
    ]),
    ...[
      'tasks/list',
      'tasks/get',
      'tasks/cancel',
      'tasks/result',
      'elicitation/create',
      'sampling/createMessage',
      'notifications/elicitation/complete',
      'toString',
      'unknown',
    ].map((method): [string, unknown, number, string] => [
      `${method} is refused`,
      { jsonrpc: '2.0', id: 1, method },
      403,
      DENIED,
    ]),
  ])('%s', async (...[, message, status, text, options]) => {
    using world = await openWorld([WEATHER], ok);
    const response = await world.ask(message, options);
    const body = await response.text();
    expect([response.status, text === undefined ? '' : body]).toEqual([status, text ?? '']);
    expect(world.reached.length).toBe(status === 200 ? 1 : 0);
  });

  test.each([
    [
      'a member twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","name":"calc"}}',
    ],
    [
      'an argument twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"a":1,"a":2}}}',
    ],
    [
      'a member in another case',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","Name":"calc"}}',
    ],
    [
      'half a character in its name',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800"}}',
    ],
    ['a batch around it', `[${JSON.stringify(call('weather'))}]`],
    ['UTF-16', Buffer.from(JSON.stringify(call('weather')), 'utf16le').toString('latin1')],
  ])('with %s never reaches the server, whatever policies say', async (_, text) => {
    using world = await openWorld(['permit(principal, action, resource);'], ok);
    expect((await world.ask(text)).status).toBe(400);
    expect(world.reached).toEqual([]);
  });

  test('uri of a resource is what policies see, also to subscribe to it', async () => {
    const policy =
      'permit(principal, action == Action::"read_resource", resource == Resource::"file:///a b");';
    using world = await openWorld([policy], ok);
    const ask = async (method: string, uri: string) =>
      (await world.ask({ jsonrpc: '2.0', id: 1, method, params: { uri } })).status;
    const methods = ['resources/read', 'resources/subscribe', 'resources/unsubscribe'];
    const statuses = await Promise.all(
      methods.flatMap((method) => [ask(method, 'file:///a b'), ask(method, 'file:///a')]),
    );
    expect(statuses).toEqual([200, 403, 200, 403, 200, 403]);
  });
});

const jsonOf = async (response: Response) =>
  (await response.json()) as { result: { tools?: unknown[]; resourceTemplates?: unknown[] } };
const list = (method: string, more: object = {}) => ({ jsonrpc: '2.0', id: 1, method, ...more });
const json = (body: unknown, headers: Record<string, string> = {}) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    headers: { 'Content-Type': 'application/json', ...headers },
  });
const sse = (body: string) => new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });

describe('a list', () => {
  const TOOLS = [
    { name: 'calc', icons: [1] },
    { name: 'weather', title: 'W', outputSchema: { type: 'object' }, x: 1 },
  ];
  const result = { tools: TOOLS, nextCursor: 'n', _meta: { a: 1 }, other: 2 };
  const shown = { tools: [TOOLS[1]], nextCursor: 'n', _meta: { a: 1 }, other: 2 };
  const wire = JSON.stringify({ jsonrpc: '2.0', id: 1, result });
  const filtered = JSON.stringify({ jsonrpc: '2.0', id: 1, result: shown });
  const INTERNAL = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}}';
  const event = (data: string) => `data: ${data}\n\n`;

  test.each<[string, () => Response, number, string]>([
    ['as JSON', () => json(wire), 200, filtered],
    ['with a byte order mark', () => json(`\uFEFF${wire}`), 200, filtered],
    ['as events', () => sse(event(wire)), 200, event(filtered)],
    [
      'as one of several events',
      () => sse(`: hi\n\n${event('{"jsonrpc":"2.0","method":"x"}')}id: 7\n${event(wire)}`),
      200,
      `: hi\n\n${event('{"jsonrpc":"2.0","method":"x"}')}id: 7\n${event(filtered)}`,
    ],
    ['without the end of its event', () => sse(`data: ${wire}`), 200, `data: ${filtered}`],
    ['without a content type', () => new Response(wire, { headers: { 'Content-Type': '' } }), 200, filtered],
    [
      'that is an error stays as it is',
      () => json('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}'),
      200,
      '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}',
    ],
    [
      'that is no list stays as it is',
      () => json('{"jsonrpc":"2.0","id":1,"result":{"tools":"none"}}'),
      200,
      '{"jsonrpc":"2.0","id":1,"result":{"tools":"none"}}',
    ],
    [
      'beside an error is refused',
      () => json({ jsonrpc: '2.0', id: 1, result, error: { code: 1, message: 'm' } }),
      500,
      INTERNAL,
    ],
    ['in a batch is refused', () => json(`[${wire}]`), 500, INTERNAL.replace('"id":1,', '')],
    ['without jsonrpc is refused', () => json(wire.replace('"jsonrpc":"2.0",', '')), 500, INTERNAL],
    [
      'twice in one result is refused',
      () => json(wire.replace('"tools":', '"tools":[],"tools":')),
      500,
      INTERNAL,
    ],
    [
      'of things without names is refused',
      () => json('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"title":"x"}]}}'),
      500,
      INTERNAL,
    ],
    [
      'in an event, beside an error, is refused',
      () => sse(`event: message\n${event('{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"error":{}}')}`),
      200,
      event(INTERNAL),
    ],
  ])('%s', async (_, answer, status, text) => {
    using world = await openWorld([WEATHER], answer);
    const response = await world.ask(list('tools/list'));
    expect([response.status, await response.text()]).toEqual([status, text]);
  });

  test('of templates shows those that may be read as they are written', async () => {
    const policy = 'permit(principal, action, resource == Resource::"file:///{path}");';
    const templates = ['file:///{path}', 'db://{table}'].map((uriTemplate) => ({ uriTemplate, name: 'n' }));
    const answer = () => json({ jsonrpc: '2.0', id: 1, result: { resourceTemplates: templates } });
    using world = await openWorld([policy], answer);
    const { result } = await jsonOf(await world.ask(list('resources/templates/list')));
    expect(result.resourceTemplates).toEqual([templates[0]]);
  });

  test('on the stream of another request is filtered as well', async () => {
    using world = await openWorld([WEATHER], () => sse(event(wire)));
    const bodies = [await world.ask('', { method: 'GET' }), await world.ask(call('weather'))];
    expect(await Promise.all(bodies.map((body) => body.text()))).toEqual([event(filtered), event(filtered)]);
  });

  test('with nothing in it that may be used is empty, and a failed one stays as it is', async () => {
    using world = await openWorld(['permit(principal, action, resource == Tool::"none");'], () => json(wire));
    const { result } = await jsonOf(await world.ask(list('tools/list')));
    expect(result).toEqual({ ...result, tools: [] });
    using failing = await openWorld([WEATHER], () => new Response(wire, { status: 500 }));
    expect(await (await failing.ask(list('tools/list'))).text()).toBe(wire);
  });
});

describe('what a server says about its tools', () => {
  const READ_ONLY =
    'permit(principal, action, resource) when { resource has readOnlyHint && resource.readOnlyHint };';
  const page = (tools: readonly object[]) => json({ jsonrpc: '2.0', id: 1, result: { tools } });
  const tool = (name: string, readOnlyHint?: unknown) => ({
    name,
    ...(readOnlyHint === undefined ? {} : { annotations: { readOnlyHint } }),
  });

  test('counts from the list on, and never from the client', async () => {
    let pages: object[] = [];
    using world = await openWorld([READ_ONLY], ({ method }) =>
      method === 'tools/list' ? page(pages) : ok(),
    );
    const may = async (name: string) =>
      (
        await world.ask(
          call(name, { annotations: { readOnlyHint: true }, arguments: { readOnlyHint: true } }),
        )
      ).status;
    expect(await may('a')).toBe(403);
    pages = [tool('a', true), tool('b', false), tool('c', 'true'), tool('d')];
    const { result } = await jsonOf(await world.ask(list('tools/list')));
    expect(result.tools).toEqual([tool('a', true)]);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(may))).toEqual([200, 403, 403, 403]);
    pages = [tool('b', true)];
    await world.ask(list('tools/list', { params: { cursor: 'next' } }));
    expect(await Promise.all(['a', 'b'].map(may))).toEqual([200, 200]);
    pages = [tool('b', true)];
    await (await world.ask(list('tools/list'))).text();
    expect(await Promise.all(['a', 'b'].map(may))).toEqual([403, 200]);
  });
});

/** A list never shows what a call would refuse, nor hides what it would let through (spec 05 §12). */
describe('lists and calls are decided alike', () => {
  const names = ['a', 'b', 'weather', 'Ünïcode "x"', 'file:///a'];
  const name = fc.constantFrom(...names);
  const scope = fc.oneof(
    fc.constant('resource'),
    fc
      .tuple(fc.constantFrom('Tool', 'Prompt', 'Resource'), name)
      .map(([type, id]) => `resource == ${type}::${JSON.stringify(id)}`),
    fc.constantFrom('resource in MCP::"srv"', 'resource in MCP::"other"', 'resource is Tool'),
  );
  const condition = fc.constantFrom(
    '',
    'when { resource has readOnlyHint && resource.readOnlyHint }',
    'when { resource.readOnlyHint }',
    'unless { resource has destructiveHint }',
    'when { principal.claim_role == "dev" }',
    'when { context has claim_role }',
    'when { resource.name like "*a*" }',
    'when { resource has arg_x && resource.arg_x == 1 }',
    'when { principal in THVGroup::"eng" }',
    'when { context.claim_level.lessThan(decimal("3.0")) }',
  );
  const policy = fc
    .tuple(
      fc.constantFrom('permit', 'permit', 'forbid'),
      fc.constantFrom(
        'action',
        'action == Action::"call_tool"',
        'action == Action::"get_prompt"',
        'action == Action::"read_resource"',
      ),
      scope,
      condition,
    )
    .map(([effect, action, resource, when]) => `${effect}(principal, ${action}, ${resource}) ${when};`);
  const hint = fc.option(fc.boolean(), { nil: undefined });
  const items = fc.uniqueArray(fc.record({ name, readOnlyHint: hint, destructiveHint: hint }), {
    selector: (one) => one.name,
    maxLength: 5,
  });
  const claims = fc.record(
    {
      role: fc.constantFrom('dev', 'ops'),
      groups: fc.constantFrom(['eng'], []),
      level: fc.constantFrom(1, 5),
    },
    { requiredKeys: [] },
  );

  test.each(['tools', 'prompts', 'resources'] as const)(
    'for %s, as JSON, as events and on a stream',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(policy, { minLength: 1, maxLength: 4 }),
          items,
          claims,
          fc.constantFrom('json', 'events', 'stream'),
          async (policies, offered, who, form) => {
            const key = kind === 'resources' ? 'uri' : 'name';
            const wire = offered.map(({ name: id, ...annotations }) => ({ [key]: id, annotations }));
            const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { [kind]: wire } });
            const respond = ({ method }: { method?: string }) => {
              if (method !== undefined && !method.endsWith('/list')) return ok();
              return form === 'json' ? json(answer) : sse(`data: ${answer}\n\n`);
            };
            using world = await openWorld(policies, respond, who);
            const response = await (form === 'stream'
              ? world.ask('', { method: 'GET' })
              : world.ask(list(`${kind}/list`)));
            const text = (await response.text()).replace(/^data: /, '');
            const shown: string[] = JSON.parse(text).result[kind].map(
              (item: Record<string, string>) => item[key],
            );
            const method = { tools: 'tools/call', prompts: 'prompts/get', resources: 'resources/read' }[kind];
            for (const { name: id } of offered) {
              const { status } = await world.ask({ jsonrpc: '2.0', id: 1, method, params: { [key]: id } });
              expect([id, status]).toEqual([id, shown.includes(id) ? 200 : 403]);
            }
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});
