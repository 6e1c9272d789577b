import { messageOf } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import { type Message, onOneLine } from '../proxy/index.ts';
import { type Connection, createConnection } from './connection.ts';
import { createInbox, type Inbox, RESUME_MS, type StreamPosition } from './inbox.ts';
import { cancelledKey, completeInitialize, keyOf, ownVersion } from './message-facts.ts';
import { NotificationStream } from './notification-stream.ts';
import type { Request } from './pending.ts';
import { StreamableSession } from './streamable-session.ts';
import { createToolHeaders } from './tool-headers.ts';
import type { Upstream, UpstreamOptions } from './types.ts';

/** Streamable HTTP as a client speaks it (MCP 2025-03-26 and later), one POST per message. */
export class StreamableUpstream implements Upstream {
  readonly lost: Promise<never>;
  readonly #options: UpstreamOptions;
  readonly #connection: Connection;
  readonly #session: StreamableSession;
  readonly #inbox: Inbox;
  readonly #notifications: NotificationStream;
  readonly #running = new Map<string, AbortController>();
  /** Requests of revision 2026-07-28 that are under way. */
  readonly #modern = new Set<string>();

  constructor(options: UpstreamOptions) {
    const connection = createConnection(options);
    const tools = createToolHeaders();
    this.lost = connection.lost;
    this.#options = options;
    this.#connection = connection;
    this.#session = new StreamableSession({ options, connection, tools });
    this.#inbox = createInbox(connection.pending, tools, options.log);
    this.#notifications = new NotificationStream({
      session: this.#session,
      inbox: this.#inbox,
      connection,
      log: options.log,
    });
  }

  open(): Promise<void> {
    const { begin, request } = this.#connection;
    return begin(async () => (await request(new URL('/health', this.#options.url))).body?.cancel());
  }

  async send(message: Message): Promise<void> {
    if (message.kind !== 'request') return this.#sendOther(message);
    if (ownVersion(message) !== undefined) this.#modern.add(keyOf(message));
    const sent = this.#sendRequest(message).finally(() => this.#modern.delete(keyOf(message)));
    // Nothing may overtake the handshake: what follows needs the session it gives.
    if (message.method === 'initialize') await sent;
  }

  settled(): Promise<void> {
    return this.#connection.pending.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.#session.end();
  }

  async #sendRequest(request: Request): Promise<void> {
    const { pending, signal, requestFailed } = this.#connection;
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal.addEventListener('abort', abort);
    this.#running.set(keyOf(request), controller);
    pending.add(request);
    try {
      const response = await this.#exchange(request, controller.signal);
      await this.#takeAnswer(response, request);
      pending.fail(request, `the MCP server ended its response without an answer (${response.status})`);
    } catch (error) {
      requestFailed(error);
      pending.fail(request, messageOf(error));
    } finally {
      signal.removeEventListener('abort', abort);
      if (this.#running.get(keyOf(request)) === controller) this.#running.delete(keyOf(request));
    }
  }

  #exchange(request: Request, signal: AbortSignal): Promise<Response> {
    return request.method === 'initialize'
      ? this.#session.begin(completeInitialize(request), request, signal)
      : this.#session.send(onOneLine(request.text), request, signal);
  }

  async #sendOther(message: Message): Promise<void> {
    const key = cancelledKey(message);
    if (key !== undefined && this.#cancel(key)) return;
    const { pending, requestFailed } = this.#connection;
    try {
      const response = await this.#session.send(onOneLine(message.text), message);
      await response.body?.cancel();
      const isStart = message.kind === 'notification' && message.method === 'notifications/initialized';
      if (isStart && response.ok) this.#notifications.start();
    } catch (error) {
      requestFailed(error);
    }
    if (key !== undefined) pending.forget(key);
  }

  /** In revision 2026-07-28 a request is cancelled by leaving its response (spec 04 §18.5). */
  #cancel(key: string): boolean {
    const controller = this.#modern.has(key) ? this.#running.get(key) : undefined;
    if (controller === undefined) return false;
    this.#connection.pending.forget(key);
    controller.abort();
    return true;
  }

  /** Takes in what a body carries; resolves at its end. */
  async #takeAnswer(response: Response, request: Request): Promise<void> {
    if (response.body === null) return;
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream')) await this.#takeEvents(response.body, request);
    else this.#inbox.takeBody(await response.text(), response.status, request);
  }

  /** Streams may end before the answer: servers that number their events let clients fetch the rest (MCP 2025-11-25). */
  async #takeEvents(first: ReadableStream<Uint8Array>, request: Request): Promise<void> {
    const { pending, signal } = this.#connection;
    const position: StreamPosition = { lastId: undefined, waitMs: RESUME_MS };
    let body: ReadableStream<Uint8Array> | undefined = first;
    while (body !== undefined) {
      try {
        await this.#inbox.takeStream(body, position);
      } catch (error) {
        this.#options.log.debug('event stream broke', { error: messageOf(error) });
      }
      const isOver = !pending.has(request) || signal.aborted;
      body = isOver ? undefined : await this.#resume(position);
    }
  }

  async #resume({ lastId, waitMs }: StreamPosition): Promise<ReadableStream<Uint8Array> | undefined> {
    if (lastId === undefined) return undefined;
    const { signal } = this.#connection;
    await sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    try {
      const response = await this.#session.listen(lastId);
      return response.ok ? (response.body ?? undefined) : undefined;
    } catch {
      return undefined; // the request is answered with an error then
    }
  }
}
