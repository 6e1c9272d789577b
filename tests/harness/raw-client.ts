/** MCP clients without a library. They show what the SDK hides: what goes over the wire, and when. */

export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface RawClient extends AsyncDisposable {
  /** Sends a request and resolves with what came for its id. */
  request(id: string | number, method: string, params?: unknown): Promise<Message>;
  /** Ids answered more than once, or answered without having been asked for. */
  readonly strays: readonly Message[];
}

const INITIALIZE = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1' },
};

export function message(fields: Omit<Message, 'jsonrpc'>): string {
  return JSON.stringify({ jsonrpc: '2.0', ...fields });
}

/** A POST to a streamable HTTP endpoint. */
export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body,
  });
}

export interface StreamableClient extends RawClient {
  readonly sessionId: string;
  /** All messages that one request brings, its answer last. */
  stream(id: string | number, method: string, params?: unknown): Promise<readonly Message[]>;
}

/** A streamable HTTP client past its handshake; answers come as JSON, or as an event stream with `streaming`. */
export async function openStreamable(url: string, streaming = false): Promise<StreamableClient> {
  const accept = streaming ? 'application/json, text/event-stream' : 'application/json';
  const opened = await post(url, message({ id: 0, method: 'initialize', params: INITIALIZE }), { accept });
  if (!opened.ok) throw new Error(`initialize: ${opened.status} ${await opened.text()}`);
  const sessionId = opened.headers.get('mcp-session-id') ?? '';
  await answersIn(opened);
  const headers = { accept, 'mcp-session-id': sessionId, 'mcp-protocol-version': INITIALIZE.protocolVersion };
  await (await post(url, message({ method: 'notifications/initialized' }), headers)).arrayBuffer();
  const strays: Message[] = [];
  const stream = async (id: string | number, method: string, params?: unknown) => {
    const response = await post(url, message({ id, method, params }), headers);
    if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`);
    return answersIn(response);
  };
  return {
    sessionId,
    strays,
    stream,
    async request(id, method, params) {
      const answers = await stream(id, method, params);
      const mine = answers.find((answer) => answer.id === id);
      strays.push(...answers.filter((answer) => answer !== mine && answer.id !== undefined));
      if (mine === undefined)
        throw new Error(`${method}: no answer for ${id} among ${JSON.stringify(answers)}`);
      return mine;
    },
    async [Symbol.asyncDispose]() {
      await fetch(url, { method: 'DELETE', headers });
    },
  };
}

export interface SseClient extends RawClient {
  /** Where its messages go. */
  readonly messagesUrl: string;
  /** Resolves when the event stream has ended. */
  readonly ended: Promise<void>;
}

/** A client of the older transport, past its handshake: answers arrive on one event stream. */
export async function openSse(url: string): Promise<SseClient> {
  const controller = new AbortController();
  const stream = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: controller.signal });
  if (!stream.ok || stream.body === null)
    throw new Error(`GET ${url}: ${stream.status} ${await stream.text()}`);
  const events = eventsIn(stream.body);
  const endpoint = (await events.next()).value;
  if (endpoint?.event !== 'endpoint') throw new Error(`first event is ${JSON.stringify(endpoint)}`);
  const messagesUrl = new URL(endpoint.data, url).href;

  const waiting = new Map<string | number, PromiseWithResolvers<Message>>();
  const strays: Message[] = [];
  const ended = (async () => {
    for await (const { data } of events) {
      const answer = JSON.parse(data) as Message;
      if (answer.id === undefined) continue;
      const asker = waiting.get(answer.id);
      if (asker === undefined) strays.push(answer);
      else asker.resolve(answer);
      waiting.delete(answer.id);
    }
  })()
    .catch((error: unknown) => error)
    .then((reason) => {
      for (const { reject } of waiting.values())
        reject(new Error('the event stream ended', { cause: reason }));
    });
  const send = async (body: string) => {
    const response = await post(messagesUrl, body);
    if (response.status !== 202)
      throw new Error(`POST ${messagesUrl}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  const client: SseClient = {
    strays,
    messagesUrl,
    ended,
    async request(id, method, params) {
      const asker = Promise.withResolvers<Message>();
      waiting.set(id, asker);
      await send(message({ id, method, params }));
      return asker.promise;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  };
  await client.request(0, 'initialize', INITIALIZE);
  await send(message({ method: 'notifications/initialized' }));
  return client;
}

/** Text of the first content item of a tool's result; throws when the answer is an error. */
export async function callTool(
  client: RawClient,
  id: number,
  tool: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { result, error } = await client.request(id, 'tools/call', { name: tool, arguments: args });
  if (error !== undefined) throw new Error(`${tool}: ${JSON.stringify(error)}`);
  return (result as { content: [{ text: string }] }).content[0].text;
}

/** One call through `/mcp` in a session of its own. */
export async function callOnce(
  url: string,
  tool: string,
  args?: Readonly<Record<string, unknown>>,
): Promise<string> {
  await using client = await openStreamable(new URL('/mcp', url).href);
  // Awaited here, or the session would end while the call is under way.
  return await callTool(client, 1, tool, args);
}

/** All messages of a response, be it JSON or an event stream. */
async function answersIn(response: Response): Promise<readonly Message[]> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return [(await response.json()) as Message];
  const answers: Message[] = [];
  if (response.body !== null)
    for await (const { data } of eventsIn(response.body)) answers.push(JSON.parse(data));
  return answers;
}

interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, undefined> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    // A line may come in hundreds of pieces; they are joined once, when its event is complete.
    if (!text.includes('\n')) {
      rest.push(text);
      continue;
    }
    const events = `${rest.join('')}${text}`.split('\n\n');
    rest = [events.pop() ?? ''];
    for (const event of events) {
      const field = (name: string) =>
        event
          .split('\n')
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join('\n');
      const data = field('data');
      if (data !== '') yield { event: field('event'), data };
    }
  }
  return undefined;
}
