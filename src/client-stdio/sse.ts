import { messageOf } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import { type Message, onOneLine, readMessage } from '../proxy/index.ts';
import { createConnection } from './connection.ts';
import { cancelledKey, completeInitialize } from './message-facts.ts';
import { unreachable } from './reach.ts';
import { readEvents } from './read-events.ts';
import type { Upstream, UpstreamOptions } from './types.ts';

const RECONNECT_MS = 200;
/** What a proxy says in place of a server that is not up. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);
const NO_ENDPOINT = 'its stream does not say where to send messages to';

/** The HTTP+SSE transport as a client speaks it (MCP 2024-11-05): one stream to read from, a URL of its own to POST to. */
export function createSseUpstream(options: UpstreamOptions): Upstream {
  const { url, log, patienceMs } = options;
  const connection = createConnection(options);
  const { pending, signal, request } = connection;
  let endpoint = Promise.withResolvers<URL>();
  let isConnected = false;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let handshake: string | undefined;
  let swallowed: string | undefined;

  /** A server that is being started again is waited for, as one that refuses connections is. */
  async function connect(): Promise<ReadableStream<Uint8Array>> {
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const response = await request(url, { headers: { Accept: 'text/event-stream' } });
      if (response.ok && response.body !== null) {
        waiting ??= setTimeout(() => connection.lose(new Error(NO_ENDPOINT)), patienceMs);
        return response.body;
      }
      await response.body?.cancel();
      if (!PASSING.has(response.status) || performance.now() >= giveUpAt)
        throw unreachable(url, new Error(`it answered ${response.status}`));
      await sleep(RECONNECT_MS, signal);
      signal.throwIfAborted();
    }
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const { type, data } of readEvents(body)) {
      if (type === 'endpoint' && data) void connected(new URL(data, url));
      else if (type === 'message' && data) take(data);
    }
  }

  /** The client's messages wait until a new session knows what the old one knew. */
  async function connected(place: URL): Promise<void> {
    try {
      await repeatHandshake(place);
    } catch (error) {
      log.debug('handshake could not be repeated', { error: messageOf(error) });
    }
    isConnected = true;
    clearTimeout(waiting);
    waiting = undefined;
    endpoint.resolve(place);
  }

  function take(text: string): void {
    const message = readMessage(text);
    if (message === undefined) {
      log.debug('what the server sent is not a message', { bytes: text.length });
      return;
    }
    const id = message.kind === 'response' ? message.text.slice(message.id.start, message.id.end) : undefined;
    if (id !== undefined && id === swallowed) {
      swallowed = undefined;
      return;
    }
    pending.deliver(onOneLine(text), message);
  }

  /** Reads until the end; a stream that ends is opened again, and the new session gets the handshake of the old one. */
  async function keepReading(first: ReadableStream<Uint8Array>): Promise<void> {
    let body = first;
    for (;;) {
      try {
        await read(body);
      } catch (error) {
        log.debug('event stream broke', { error: messageOf(error) });
      }
      if (signal.aborted) return;
      pending.failAll('the connection to the MCP server was lost before it answered');
      if (isConnected) endpoint = Promise.withResolvers();
      isConnected = false;
      await sleep(RECONNECT_MS, signal);
      try {
        body = await connect();
      } catch (error) {
        connection.lose(error);
        return;
      }
    }
  }

  async function repeatHandshake(place: URL): Promise<void> {
    if (handshake === undefined) return;
    const id = `"thv-${crypto.randomUUID()}"`;
    const message = readMessage(handshake);
    if (message?.kind !== 'request') return;
    swallowed = id;
    await post(place, handshake.slice(0, message.id.start) + id + handshake.slice(message.id.end));
    await post(place, '{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  /** `undefined` when all went well, else what the server said. */
  async function post(place: URL, text: string): Promise<string | undefined> {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
    const response = await request(place, { method: 'POST', headers, body: text });
    const said = await response.text();
    return response.ok ? undefined : said.trim() || `the MCP server answered ${response.status}`;
  }

  return {
    lost: connection.lost,
    open: () => connection.begin(async () => void keepReading(await connect())),
    async send(message: Message) {
      const isHandshake = message.kind === 'request' && message.method === 'initialize';
      const text = isHandshake ? completeInitialize(message) : onOneLine(message.text);
      if (isHandshake) handshake = text;
      if (message.kind === 'request') pending.add(message);
      try {
        const problem = await post(await endpoint.promise, text);
        if (problem !== undefined && message.kind === 'request') pending.fail(message, problem);
      } catch (error) {
        if (message.kind === 'request') pending.fail(message, messageOf(error));
      }
      const key = cancelledKey(message);
      if (key !== undefined) pending.forget(key);
    },
    settled: () => pending.settled(),
    async [Symbol.asyncDispose]() {
      clearTimeout(waiting);
      connection.close();
    },
  };
}
