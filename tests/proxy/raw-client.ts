/** MCP over fetch with nothing hidden: what the tests say goes on the wire, and all that comes back is kept. */

export interface Rpc {
  readonly jsonrpc?: string;
  readonly id?: string | number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into foreign payloads
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into foreign payloads
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface EventSource extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly { readonly type: string; readonly data: string }[];
  readonly messages: readonly Rpc[];
  /** Comments seen, such as keep-alives. */
  readonly comments: readonly string[];
  readonly ended: boolean;
  /** The first message, past or future, that fits. */
  next(fits: (message: Rpc) => boolean): Promise<Rpc>;
  close(): void;
}

/** Reads a response as an event stream until it ends or is closed. */
function readEvents(response: Response, controller: AbortController): EventSource {
  const events: { type: string; data: string }[] = [];
  const messages: Rpc[] = [];
  const comments: string[] = [];
  const state = { ended: false };

  async function read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of response.body ?? []) {
        rest += decoder.decode(bytes, { stream: true });
        const blocks = rest.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) take(block);
      }
    } catch (error) {
      if (!controller.signal.aborted) comments.push(`error: ${error}`);
    }
    state.ended = true;
  }

  function take(block: string): void {
    if (block.startsWith(':')) {
      comments.push(block);
      return;
    }
    const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line) ?? []);
    const type = fields.findLast(([, name]) => name === 'event')?.[2] ?? 'message';
    const data = fields.flatMap(([, name, value]) => (name === 'data' ? [value] : [])).join('\n');
    events.push({ type, data });
    if (type === 'message') messages.push(JSON.parse(data));
  }

  const reading = read();
  return {
    status: response.status,
    headers: response.headers,
    events,
    messages,
    comments,
    get ended() {
      return state.ended;
    },
    async next(fits) {
      await until(
        () => messages.some(fits),
        () => `messages so far: ${JSON.stringify(messages).slice(0, 2000)}`,
      );
      return messages.find(fits) ?? {};
    },
    close: () => controller.abort(),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await reading;
    },
  };
}

export async function openEvents(url: string, init: RequestInit = {}): Promise<EventSource> {
  const controller = new AbortController();
  return readEvents(await fetch(url, { ...init, signal: controller.signal }), controller);
}

/** Waits for a condition; says what was there instead when it does not come. */
export async function until(
  condition: () => boolean,
  lastSeen: () => string = () => '',
  ms = 20_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`condition not met within ${ms} ms; ${lastSeen()}`);
    await Bun.sleep(5);
  }
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly message: Rpc;
}

export interface PostOptions {
  readonly session?: string | undefined;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** POSTs one message to `/mcp` and reads the answer, in JSON unless `accept` asks for events. */
export async function post(
  url: string,
  message: object | string,
  options: PostOptions = {},
): Promise<Posted> {
  const response = await fetch(url, {
    method: 'POST',
    headers: headersOf(options),
    body: typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  const isEvents = response.headers.get('content-type') === 'text/event-stream';
  const last = isEvents ? text.trimEnd().split('\ndata: ').at(-1) : text;
  return { status: response.status, headers: response.headers, text, message: parseOr(last ?? '') };
}

/** POSTs one message to `/mcp` and reads its event stream as it comes. */
function postForEvents(url: string, message: object, options: PostOptions = {}): Promise<EventSource> {
  return openEvents(url, {
    method: 'POST',
    headers: headersOf({ accept: 'application/json, text/event-stream', ...options }),
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
}

function headersOf({ session, accept, headers }: PostOptions): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    ...(accept === undefined ? {} : { Accept: accept }),
    ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
    ...headers,
  };
}

function parseOr(text: string): Rpc {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
} as const;

/** A streamable client after its handshake. */
export interface StreamableClient {
  readonly session: string;
  call(
    name: string,
    input?: object,
    options?: { readonly id?: string | number; readonly accept?: string },
  ): Promise<Posted>;
  send(message: object, options?: PostOptions): Promise<Posted>;
  /** A call answered as an event stream. */
  stream(name: string, input?: object, extra?: object): Promise<EventSource>;
  /** The session's GET stream. */
  listen(): Promise<EventSource>;
}

export async function connectStreamable(base: string, session?: string): Promise<StreamableClient> {
  const url = `${base}/mcp`;
  let count = 0;
  const nextId = () => {
    count += 1;
    return count;
  };
  let id = session;
  if (id === undefined) {
    const { headers, text } = await post(url, { id: 0, ...INITIALIZE });
    id = headers.get('mcp-session-id') ?? undefined;
    if (id === undefined) throw new Error(`no session: ${text}`);
    await post(url, { method: 'notifications/initialized' }, { session: id });
  }
  const known = id;
  return {
    session: known,
    call: (name, input = {}, { id: callId = nextId(), ...options } = {}) =>
      post(
        url,
        { id: callId, method: 'tools/call', params: { name, arguments: input } },
        { session: known, ...options },
      ),
    send: (message, options = {}) => post(url, message, { session: known, ...options }),
    stream: (name, input = {}, extra = {}) =>
      postForEvents(
        url,
        { id: nextId(), method: 'tools/call', params: { name, arguments: input, ...extra } },
        { session: known },
      ),
    listen: () => openEvents(url, { headers: { Accept: 'text/event-stream', 'Mcp-Session-Id': known } }),
  };
}

/** A client of the 2024-11-05 transport. */
export interface SseClient extends AsyncDisposable {
  readonly endpoint: string;
  readonly source: EventSource;
  /** Sends and returns the status of the POST. */
  post(message: object | string): Promise<number>;
  /** Sends a request and waits for its answer on the stream. */
  request(id: string | number, method: string, params?: object): Promise<Rpc>;
}

export async function connectSse(base: string): Promise<SseClient> {
  const source = await openEvents(`${base}/sse`);
  await until(() => source.events.length > 0);
  const endpoint = source.events[0]?.data ?? '';
  const client: SseClient = {
    endpoint,
    source,
    async post(message) {
      const body = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
      await response.text();
      return response.status;
    },
    async request(id, method, params = {}) {
      await client.post({ id, method, params });
      return source.next((message) => message.id === id && message.method === undefined);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
  await client.request('handshake', INITIALIZE.method, INITIALIZE.params);
  await client.post({ method: 'notifications/initialized' });
  return client;
}
