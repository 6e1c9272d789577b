import { describe, expect, test } from 'bun:test';
import { hasCode } from '../errors/index.ts';
import { silentLogger } from '../platform/log.ts';
import { composeChain, openMiddlewares, type Services } from './index.ts';
import type { MiddlewareConfig } from './types.ts';

const services: Services = {
  log: silentLogger,
  workload: 'srv',
  env: {},
  clock: Date.now,
  proxy: { bindHost: '127.0.0.1', port: 8080, trustProxyHeaders: false, allowedOrigins: [] },
};
const context = { path: '/', remoteAddress: '', keepOpen() {}, letGo() {} };
const STORED = [
  { type: 'auth', parameters: {} },
  { type: 'mcp-parser', parameters: {} },
  { type: 'recovery', parameters: null },
];
const LIMIT = { type: 'bodylimit', parameters: { max_bytes: 8_388_608 } };
const ORIGIN = { type: 'origin', parameters: { allowed_origins: ['http://localhost:1'] } };

const TOOLS = { filter_tools: ['a'], tools_override: {} };
const FILTERS = [
  { type: 'tool-filter', parameters: TOOLS },
  { type: 'tool-call-filter', parameters: TOOLS },
];

async function open(stored: readonly MiddlewareConfig[], more: Partial<Services> = {}) {
  await using resources = new AsyncDisposableStack();
  return await openMiddlewares(stored, { ...services, ...more }, resources);
}

const namesOf = async (...chain: Parameters<typeof open>) => (await open(...chain)).map(({ name }) => name);

describe('the chain', () => {
  test.each([
    ['nothing stored', []],
    ['what `thv run` stores', STORED],
    ['what a restarted reference stores', [LIMIT, ORIGIN, LIMIT, ORIGIN, ...STORED]],
    ['another order', [...STORED, ORIGIN, LIMIT].toReversed()],
  ])('of %s has each part once, recovery outermost', async (_, stored) => {
    expect(await namesOf(stored)).toEqual(['recovery', 'bodyLimit', 'origin']);
  });

  test.each([
    ['as `thv run` stores them', [...FILTERS, ...STORED]],
    ['twice, after the rest', [...STORED, ...FILTERS, ...FILTERS]],
    ['without the parser, which they need', FILTERS],
  ])('with tool filters %s: once, behind the parser', async (_, stored) => {
    const names = ['recovery', 'bodyLimit', 'origin', 'mcpParser', 'toolFilter', 'toolCallFilter'];
    expect(await namesOf(stored)).toEqual(names);
  });

  test.each([
    ['nothing is counted, and no body read', undefined, []],
    ['tool calls are counted behind the parser', () => undefined, ['mcpParser', 'usageMetrics']],
  ])('with usage metrics, whatever their parameters: %s', async (_, countToolCall, names) => {
    const stored = [...STORED, { type: 'usagemetrics', parameters: { of: 'another program' } }];
    expect(await namesOf(stored, { countToolCall })).toEqual(['recovery', 'bodyLimit', 'origin', ...names]);
  });

  test.each([
    ['a tool call', 1, { id: 0, method: 'tools/call', params: { name: 'a' } }],
    ['another request', 0, { id: 1, method: 'tools/list' }],
    ['a notification', 0, { method: 'tools/call' }],
    ['an answer', 0, { id: 1, result: { method: 'tools/call' } }],
    ['no message', 0, { method: 7 }],
  ])('%s counts as %d', async (_, expected, message) => {
    let calls = 0;
    const countToolCall = () => {
      calls++;
    };
    const stored = [{ type: 'usagemetrics' }];
    const middlewares = await open(stored, { countToolCall });
    const chain = composeChain(middlewares, async (request) => new Response(await request.text()));
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const response = await chain(new Request('http://x', { method: 'POST', body }), context);
    expect([calls, await response.text()]).toEqual([expected, body]);
  });

  test('stored forwarded headers are known, and no step of it', async () => {
    const stored = { type: 'header-forward', parameters: { add_headers: { 'X-A': 'b' } } };
    expect(await namesOf([stored, ...STORED, stored])).toEqual(['recovery', 'bodyLimit', 'origin']);
  });

  test('checks origins against the present port, not the stored one', async () => {
    const chain = composeChain(await open([ORIGIN]), () => new Response('through'));
    const ask = async (port: number) =>
      (await chain(new Request('http://x', { headers: { Origin: `http://localhost:${port}` } }), context))
        .status;
    expect([await ask(8080), await ask(1)]).toEqual([200, 403]);
  });

  test.each([
    ['an unknown type', { type: 'nonsense', parameters: {} }, 'unsupported middleware type: nonsense'],
    [
      'parameters of the wrong type',
      { type: 'bodylimit', parameters: { max_bytes: 'much' } },
      'invalid parameters of middleware bodylimit: max_bytes: Invalid type: Expected number but received "much"',
    ],
    [
      'tokens asked for that nothing checks',
      { type: 'auth', parameters: { oidc_config: { Issuer: 'https://idp.example' } } },
      'middleware auth asks for tokens, and nothing is there to check them',
    ],
    [
      'authentication of another version',
      { type: 'auth', parameters: { mtls: true } },
      'invalid parameters of middleware auth: mtls: Invalid key: Expected never but received "mtls"',
    ],
    [
      'tool filters that filter nothing',
      { type: 'tool-filter', parameters: { filter_tools: null, tools_override: {} } },
      'invalid parameters of middleware tool-filter: tools list for filtering or overriding is empty',
    ],
    [
      'a tool without a name',
      { type: 'tool-filter', parameters: { filter_tools: ['a', ''] } },
      'invalid parameters of middleware tool-filter: filter_tools.1: tool name cannot be empty',
    ],
    [
      'an override that changes nothing',
      { type: 'tool-call-filter', parameters: { tools_override: { a: {} } } },
      'invalid parameters of middleware tool-call-filter: tools_override.a: override name and description cannot both be empty',
    ],
    [
      'two tools of one name',
      { type: 'tool-filter', parameters: { tools_override: { a: { name: 'x' }, b: { name: 'x' } } } },
      'invalid parameters of middleware tool-filter: tools a and b are both overridden to x',
    ],
  ])('with %s is refused', async (_, config, message) => {
    try {
      await open([config]);
    } catch (error) {
      if (!hasCode(error, 'ERR_RUN_CONFIG_INVALID')) throw error;
      expect(error.message).toBe(message);
      return;
    }
    throw new Error('was accepted');
  });
});
