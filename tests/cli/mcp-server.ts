/** A tiny MCP server for the client commands, over both HTTP transports, which remembers what it was told. */
export interface McpServer extends Disposable {
  readonly url: string;
  readonly sseUrl: string;
  /** Methods of all messages in the order they came; `DELETE` for an ended session. */
  readonly seen: readonly string[];
  /** Params of the last `initialize`. */
  readonly initialize: unknown;
  /** Answers to what the server asked the client, in the order they came. */
  readonly answers: readonly Answer[];
}

type Answer = { readonly id: string };
type Message = {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
};

interface Behaviour {
  /** Results by method; a function gets the params. Absent: method not found. `null`: never answered. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly streamable?: boolean;
  readonly capabilities?: Record<string, object>;
  /** Requests sent to the client while it waits for the answer to a tool call. */
  readonly asks?: readonly string[];
}

export function startMcpServer({
  results,
  streamable = true,
  capabilities,
  asks = [],
}: Behaviour): McpServer {
  const seen: string[] = [];
  const answers: Answer[] = [];
  let initialize: unknown;
  let push: (data: string, event?: string) => void = () => {};

  const answer = (message: Message): object | undefined => {
    const { id, method, params = {} } = message;
    if (method === undefined) answers.push(message as Answer);
    else seen.push(method);
    if (id === undefined || method === undefined) return undefined;
    const reply = (result: unknown) => ({ jsonrpc: '2.0', id, result });
    if (method === 'initialize') {
      initialize = params;
      const serverInfo = { name: 'tiny', version: '1' };
      const offered = capabilities ?? { tools: {}, resources: {}, prompts: {} };
      return reply({ protocolVersion: params['protocolVersion'], capabilities: offered, serverInfo });
    }
    const result = results[method];
    if (result === null) return undefined;
    if (result === undefined)
      return { jsonrpc: '2.0', id, error: { code: -32_601, message: 'Method not found' } };
    return reply(typeof result === 'function' ? result(params) : result);
  };

  const eventStream = (start: () => void) => {
    const body = new ReadableStream({
      start(controller) {
        push = (data, event) => controller.enqueue(`${event ? `event: ${event}\n` : ''}data: ${data}\n\n`);
        start();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };

  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/sse' && request.method === 'GET')
        return eventStream(() => push('/messages', 'endpoint'));
      if (pathname === '/messages') {
        const reply = answer((await request.json()) as Message);
        if (reply !== undefined) push(JSON.stringify(reply), 'message');
        return new Response(null, { status: 202 });
      }
      if (pathname !== '/mcp' || !streamable) return new Response('not here', { status: 404 });
      if (request.method === 'DELETE') seen.push('DELETE');
      if (request.method !== 'POST')
        return new Response(null, { status: request.method === 'DELETE' ? 200 : 405 });
      const message = (await request.json()) as Message;
      const headers = { 'mcp-session-id': 'tiny-session' };
      const reply = answer(message);
      if (message.method === 'tools/call' && asks.length > 0) {
        return eventStream(() => {
          for (const [id, method] of asks.entries()) {
            push(JSON.stringify({ jsonrpc: '2.0', id: `ask-${id}`, method, params: ASKS[method] }));
          }
          const whenAnswered = setInterval(() => {
            if (answers.length < asks.length) return;
            clearInterval(whenAnswered);
            push(JSON.stringify(reply));
          }, 5);
        });
      }
      if (reply !== undefined) return Response.json(reply, { headers });
      if (message.id === undefined || message.method === undefined)
        return new Response(null, { status: 202, headers });
      return eventStream(() => {});
    },
  });

  const origin = `http://127.0.0.1:${server.port}`;
  return {
    url: `${origin}/mcp`,
    sseUrl: `${origin}/sse`,
    seen,
    answers,
    get initialize() {
      return initialize;
    },
    [Symbol.dispose]: () => void server.stop(true),
  };
}

const ASKS: Readonly<Record<string, object>> = {
  'sampling/createMessage': {
    messages: [{ role: 'user', content: { type: 'text', text: '?' } }],
    maxTokens: 1,
  },
  'elicitation/create': { message: '?', requestedSchema: { type: 'object', properties: {} } },
  'roots/list': {},
};
