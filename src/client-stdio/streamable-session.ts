import { type Message, readMessage, SESSION_NOT_FOUND } from '../proxy/index.ts';
import type { Connection } from './connection.ts';
import { modernHeaders, ownVersion, readError, versionInResult } from './message-facts.ts';
import type { Request } from './pending.ts';
import { readEvents } from './read-events.ts';
import type { ToolHeaders } from './tool-headers.ts';
import type { UpstreamOptions } from './types.ts';

const FAREWELL_MS = 2000;
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

interface SessionParts {
  readonly options: Pick<UpstreamOptions, 'url' | 'fetch'>;
  readonly connection: Pick<Connection, 'request' | 'signal'>;
  readonly tools: ToolHeaders;
}

/** The session of a Streamable HTTP client. Every HTTP request is made here, so that it carries the id and the version. */
export class StreamableSession {
  readonly #options: SessionParts['options'];
  readonly #connection: SessionParts['connection'];
  readonly #tools: ToolHeaders;
  #id: string | undefined;
  #version: string | undefined;
  /** The `initialize` that the session came from. */
  #handshake: string | undefined;
  #renewing: Promise<boolean> | undefined;

  constructor({ options, connection, tools }: SessionParts) {
    this.#options = options;
    this.#connection = connection;
    this.#tools = tools;
  }

  /** Sends an `initialize`; its answer begins a session. */
  async begin(text: string, request: Request, signal: AbortSignal): Promise<Response> {
    const response = await this.#post(text, request, signal);
    this.#adopt(text, response);
    return this.#noteVersion(response);
  }

  /** Sends any other message, once more in a new session if the server does not know this one any more. */
  async send(text: string, message: Message, signal = this.#connection.signal): Promise<Response> {
    const response = await this.#post(text, message, signal);
    if (!(await this.#isLost(response, message))) return response;
    return (await this.renew()) ? this.#post(text, message, signal) : response;
  }

  /** Asks for a stream of events, from behind `lastId` on where that is given. */
  listen(lastId: string | undefined): Promise<Response> {
    const headers = this.#headersFor(undefined, { Accept: 'text/event-stream' });
    if (lastId !== undefined) headers.set('Last-Event-ID', lastId);
    return this.#connection.request(this.#options.url, { headers });
  }

  /** The session expired: the handshake is repeated once for all who need it, out of the client's sight. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#repeatHandshake().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Left alone, the session would take its time to expire. */
  async end(): Promise<void> {
    if (this.#id === undefined) return;
    const { url, fetch } = this.#options;
    const headers = this.#headersFor(undefined);
    const signal = AbortSignal.timeout(FAREWELL_MS);
    await fetch(url, { method: 'DELETE', headers, signal }).catch(() => undefined);
  }

  #headersFor(message: Message | undefined, extra: Record<string, string> = {}): Headers {
    const headers = new Headers(extra);
    const own = message === undefined ? undefined : ownVersion(message);
    if (own === undefined && this.#id !== undefined) headers.set('Mcp-Session-Id', this.#id);
    if (own === undefined && this.#version !== undefined) headers.set('MCP-Protocol-Version', this.#version);
    for (const [name, value] of Object.entries(
      message === undefined ? {} : modernHeaders(message, this.#tools),
    ))
      headers.set(name, value);
    return headers;
  }

  #post(text: string, message: Message, signal: AbortSignal): Promise<Response> {
    const isHandshake = message.kind === 'request' && message.method === 'initialize';
    const headers = isHandshake ? new Headers() : this.#headersFor(message);
    headers.set('Content-Type', 'application/json');
    headers.set('Accept', 'application/json, text/event-stream');
    return this.#connection.request(this.#options.url, { method: 'POST', headers, body: text, signal });
  }

  #adopt(handshake: string, response: Response): void {
    if (!response.ok) return;
    this.#handshake = handshake;
    this.#version = undefined;
    this.#id = response.headers.get('mcp-session-id') ?? undefined;
  }

  /** The negotiated version goes on every request that follows, so it is read before the answer is passed on. */
  async #noteVersion(response: Response): Promise<Response> {
    const [body, peeked] = response.body?.tee() ?? [null, null];
    if (peeked !== null) {
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream'))
        this.#version = versionInResult(readMessage(await new Response(peeked).text()));
      else {
        for await (const { data } of readEvents(peeked)) {
          this.#version = data === undefined ? undefined : versionInResult(readMessage(data));
          if (this.#version !== undefined) break;
        }
      }
    }
    return new Response(body, { status: response.status, headers: response.headers });
  }

  async #isLost(response: Response, message: Message): Promise<boolean> {
    if (response.status !== 404 || this.#id === undefined || this.#handshake === undefined) return false;
    if (ownVersion(message) !== undefined) return false;
    const error = readError(await response.clone().text());
    return error === undefined || error.code === SESSION_NOT_FOUND;
  }

  async #repeatHandshake(): Promise<boolean> {
    const text = this.#handshake;
    const message = text === undefined ? undefined : readMessage(text);
    if (message === undefined || text === undefined) return false;
    const { signal } = this.#connection;
    const response = await this.#post(text, message, signal);
    await response.body?.cancel();
    if (!response.ok) return false;
    const kept = this.#version;
    this.#adopt(text, response);
    this.#version = kept;
    const initialized = readMessage(INITIALIZED);
    if (initialized !== undefined) await (await this.#post(INITIALIZED, initialized, signal)).body?.cancel();
    return true;
  }
}
