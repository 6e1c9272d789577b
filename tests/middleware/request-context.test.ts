import { expect, test } from 'bun:test';
import { composeChain, openMiddlewares } from '../../src/middleware/index.ts';
import { silentLogger } from '../../src/platform/log.ts';
import { createReverseProxy, openListener, type RequestContext } from '../../src/proxy/index.ts';

const TRACE_PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const CALL = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"mine","arguments":{"a":1}}}';
const OVERRIDE = { filter_tools: null, tools_override: { own: { name: 'mine' } } };

/** What a handler behind a real port and chain finds in the context of one tool call. */
async function contextBehind(
  stored: Parameters<typeof openMiddlewares>[0],
  look: (context: RequestContext) => unknown,
): Promise<unknown> {
  await using resources = new AsyncDisposableStack();
  const proxy = { bindHost: '127.0.0.1', port: 0, trustProxyHeaders: true, allowedOrigins: [] };
  const services = { log: silentLogger, clock: Date.now, workload: 'test', env: {}, proxy };
  const endpoint = createReverseProxy({ log: silentLogger });
  let seen: unknown;
  const handler = composeChain(await openMiddlewares(stored, services, resources), (_, context) => {
    seen = look(context);
    return new Response();
  });
  const options = { host: '127.0.0.1', port: 0, handler, endpoint, transportLabel: '', log: silentLogger };
  const { port } = resources.use(await openListener(options));
  const headers = { 'Content-Type': 'application/json', traceparent: TRACE_PARENT };
  await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers, body: CALL });
  return seen;
}

test('where no middleware reads messages, none is read', async () => {
  const seen = await contextBehind([], ({ body, message, identity }) => [body, message, identity]);
  expect(seen).toEqual([undefined, undefined, undefined]);
});

test('the facts of a message are those of the message that goes on, renamed tools included', async () => {
  const stored = [{ type: 'tool-call-filter', parameters: OVERRIDE }];
  const seen = await contextBehind(stored, ({ message }) => [
    message?.method,
    message?.id,
    message?.tool,
    message?.resourceId,
    message?.arguments,
  ]);
  expect(seen).toEqual(['tools/call', '7', 'own', 'own', { a: 1 }]);
});

test('the trace is the client’s, until a middleware puts its own step in its place', async () => {
  const own = { traceId: 'a', parentId: 'b', isSampled: false };
  const seen = await contextBehind([], (context) => {
    const { trace } = context;
    context.trace = own;
    return [trace, context.trace];
  });
  const client = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentId: 'b7ad6b7169203331',
    isSampled: true,
  };
  expect(seen).toEqual([client, own]);
});
