import { messageOf } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import { errorText, type Message, onOneLine, readMessage, SESSION_NOT_FOUND } from '../proxy/index.ts';
import { createConnection } from './connection.ts';
import {
  cancelledKey,
  completeInitialize,
  idOf,
  keyOf,
  modernHeaders,
  ownVersion,
  versionInResult,
} from './message-facts.ts';
import { isUnreachable } from './reach.ts';
import { readEvents } from './read-events.ts';
import { createToolHeaders } from './tool-headers.ts';
import type { Upstream, UpstreamOptions } from './types.ts';

type Request = Extract<Message, { readonly kind: 'request' }>;

const RESUME_MS = 1000;
const MAX_RESUME_MS = 30_000;
const FAREWELL_MS = 2000;

/** Streamable HTTP as a client speaks it (MCP 2025-03-26 and later), one POST per message. */
export function createStreamableUpstream(options: UpstreamOptions): Upstream {
  const { url, log } = options;
  const connection = createConnection(options);
  const { pending, signal, request } = connection;
  const running = new Map<string, AbortController>();
  /** Requests of revision 2026-07-28 that are under way. */
  const modern = new Set<string>();
  const tools = createToolHeaders();
  let sessionId: string | undefined;
  let version: string | undefined;
  let handshake: string | undefined;
  let renewing: Promise<boolean> | undefined;
  let listening = false;

  function headersFor(message: Message | undefined, extra: Record<string, string> = {}): Headers {
    const headers = new Headers(extra);
    const own = message === undefined ? undefined : ownVersion(message);
    if (own === undefined && sessionId !== undefined) headers.set('Mcp-Session-Id', sessionId);
    if (own === undefined && version !== undefined) headers.set('MCP-Protocol-Version', version);
    for (const [name, value] of Object.entries(message === undefined ? {} : modernHeaders(message, tools)))
      headers.set(name, value);
    return headers;
  }

  function post(text: string, message: Message, postSignal: AbortSignal = signal): Promise<Response> {
    const isHandshake = message.kind === 'request' && message.method === 'initialize';
    const headers = isHandshake ? new Headers() : headersFor(message);
    headers.set('Content-Type', 'application/json');
    headers.set('Accept', 'application/json, text/event-stream');
    return request(url, { method: 'POST', headers, body: text, signal: postSignal });
  }

  /** Takes in what a body carries; resolves at its end. */
  async function takeAnswer(response: Response, request: Request): Promise<void> {
    const type = response.headers.get('content-type') ?? '';
    if (response.body === null) return;
    if (type.startsWith('text/event-stream')) {
      await takeEvents(response.body, request);
      return;
    }
    const text = await response.text();
    const message = readMessage(text);
    if (message !== undefined) take(text, message);
    else failWith(request, response, text);
  }

  function take(text: string, message: Message | undefined): void {
    if (message === undefined) {
      log.debug('what the server sent is not a message', { bytes: text.length });
      return;
    }
    tools.learn(message);
    pending.deliver(onOneLine(text), message);
  }

  /** A JSON-RPC error that does not say whose it is, or a plain text. */
  function failWith(request: Request, response: Response, text: string): void {
    const error = readError(text);
    if (error === undefined) {
      pending.fail(request, text.trim() || `the MCP server answered ${response.status}`);
      return;
    }
    const answer = errorText(idOf(request), error.code, error.message);
    pending.deliver(answer, readMessage(answer));
  }

  /** Streams may end before the answer: servers that number their events let clients fetch the rest (MCP 2025-11-25). */
  async function takeEvents(first: ReadableStream<Uint8Array>, request: Request): Promise<void> {
    let body: ReadableStream<Uint8Array> | undefined = first;
    let lastId: string | undefined;
    let waitMs = RESUME_MS;
    while (body !== undefined) {
      try {
        for await (const { type, data, id, retryMs } of readEvents(body)) {
          lastId = id ?? lastId;
          waitMs = retryMs ?? waitMs;
          if (type === 'message' && data) take(data, readMessage(data));
        }
      } catch (error) {
        log.debug('event stream broke', { error: messageOf(error) });
      }
      const isOver = !pending.has(request) || signal.aborted;
      body = isOver || lastId === undefined ? undefined : await resume(lastId, waitMs);
    }
  }

  async function resume(lastId: string, waitMs: number): Promise<ReadableStream<Uint8Array> | undefined> {
    await sleep(waitMs, signal);
    if (signal.aborted) return undefined;
    try {
      const response = await listen(lastId);
      return response.ok ? (response.body ?? undefined) : undefined;
    } catch {
      return undefined; // the request is answered with an error then
    }
  }

  function listen(lastId: string | undefined): Promise<Response> {
    const headers = headersFor(undefined, { Accept: 'text/event-stream' });
    if (lastId !== undefined) headers.set('Last-Event-ID', lastId);
    return request(url, { headers });
  }

  async function sendRequest(request: Request): Promise<void> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal.addEventListener('abort', abort);
    running.set(keyOf(request), controller);
    pending.add(request);
    const isHandshake = request.method === 'initialize';
    const text = isHandshake ? completeInitialize(request) : onOneLine(request.text);
    try {
      let response = await post(text, request, controller.signal);
      if (isHandshake) beginSession(text, response);
      else if (await isSessionLost(response, request)) {
        if (await renew()) response = await post(text, request, controller.signal);
      }
      await takeAnswer(isHandshake ? await noteVersion(response) : response, request);
      pending.fail(request, `the MCP server ended its response without an answer (${response.status})`);
    } catch (error) {
      giveUp(error);
      pending.fail(request, messageOf(error));
    } finally {
      signal.removeEventListener('abort', abort);
      if (running.get(keyOf(request)) === controller) running.delete(keyOf(request));
    }
  }

  function beginSession(text: string, response: Response): void {
    if (!response.ok) return;
    handshake = text;
    version = undefined;
    sessionId = response.headers.get('mcp-session-id') ?? undefined;
  }

  /** The negotiated version goes on every request that follows, so it is read before the answer is passed on. */
  async function noteVersion(response: Response): Promise<Response> {
    const [body, peeked] = response.body?.tee() ?? [null, null];
    if (peeked !== null) {
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream'))
        version = versionInResult(readMessage(await new Response(peeked).text()));
      else {
        for await (const { data } of readEvents(peeked)) {
          version = data === undefined ? undefined : versionInResult(readMessage(data));
          if (version !== undefined) break;
        }
      }
    }
    return new Response(body, { status: response.status, headers: response.headers });
  }

  async function isSessionLost(response: Response, message: Message): Promise<boolean> {
    if (response.status !== 404 || sessionId === undefined || handshake === undefined) return false;
    if (ownVersion(message) !== undefined) return false;
    const error = readError(await response.clone().text());
    return error === undefined || error.code === SESSION_NOT_FOUND;
  }

  /** The session expired: the handshake is repeated once for all who need it, out of the client's sight. */
  function renew(): Promise<boolean> {
    renewing ??= repeatHandshake().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  async function repeatHandshake(): Promise<boolean> {
    const message = handshake === undefined ? undefined : readMessage(handshake);
    if (message === undefined || handshake === undefined) return false;
    const text = handshake;
    const response = await post(text, message);
    await response.body?.cancel();
    if (!response.ok) return false;
    const kept = version;
    beginSession(text, response);
    version = kept;
    const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    const told = readMessage(initialized);
    if (told !== undefined) await (await post(initialized, told)).body?.cancel();
    return true;
  }

  async function sendOther(message: Message): Promise<void> {
    const key = cancelledKey(message);
    if (key !== undefined && cancel(key)) return;
    try {
      let response = await post(onOneLine(message.text), message);
      if (await isSessionLost(response, message)) {
        if (await renew()) response = await post(onOneLine(message.text), message);
      }
      await response.body?.cancel();
      const isStart = message.kind === 'notification' && message.method === 'notifications/initialized';
      if (isStart && response.ok && !listening) {
        listening = true;
        void keepListening();
      }
    } catch (error) {
      giveUp(error);
    }
    if (key !== undefined) pending.forget(key);
  }

  /** In revision 2026-07-28 a request is cancelled by leaving its response (spec 04 §18.5). */
  function cancel(key: string): boolean {
    const controller = modern.has(key) ? running.get(key) : undefined;
    if (controller === undefined) return false;
    pending.forget(key);
    controller.abort();
    return true;
  }

  /** The stream for what belongs to no request; servers that have none say so, mostly with 405. */
  async function keepListening(): Promise<void> {
    let lastId: string | undefined;
    let waitMs = RESUME_MS;
    while (!signal.aborted) {
      try {
        const response = await listen(lastId);
        const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
        if (!response.ok || !isStream || response.body === null) {
          await response.body?.cancel();
          if (response.status < 500 && response.status !== 404) return;
          if (response.status === 404 && !(await renew())) return;
          waitMs = Math.min(waitMs * 2, MAX_RESUME_MS);
        } else {
          waitMs = RESUME_MS;
          for await (const { type, data, id, retryMs } of readEvents(response.body)) {
            lastId = id ?? lastId;
            waitMs = retryMs ?? waitMs;
            if (type === 'message' && data) take(data, readMessage(data));
          }
        }
      } catch (error) {
        giveUp(error);
        log.debug('stream for notifications ended', { error: messageOf(error) });
      }
      await sleep(Math.min(waitMs, MAX_RESUME_MS), signal);
    }
  }

  /** Nobody has listened for as long as we wait: there is nothing more to pump. */
  function giveUp(error: unknown): void {
    if (isUnreachable(error)) connection.lose(error);
  }

  return {
    lost: connection.lost,
    open: () => connection.begin(async () => (await request(new URL('/health', url))).body?.cancel()),
    async send(message) {
      if (message.kind !== 'request') return sendOther(message);
      if (ownVersion(message) !== undefined) modern.add(keyOf(message));
      const sent = sendRequest(message).finally(() => modern.delete(keyOf(message)));
      // Nothing may overtake the handshake: what follows needs the session it gives.
      if (message.method === 'initialize') await sent;
    },
    settled: () => pending.settled(),
    async [Symbol.asyncDispose]() {
      connection.close();
      if (sessionId === undefined) return;
      const headers = headersFor(undefined);
      // Left alone, the session would take its time to expire.
      await options
        .fetch(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(FAREWELL_MS) })
        .catch(() => undefined);
    },
  };
}

function readError(text: string): { readonly code: number; readonly message: string } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    return typeof error?.code === 'number'
      ? { code: error.code, message: String(error.message ?? '') }
      : undefined;
  } catch {
    return undefined; // plain text
  }
}
