import {
  findMember,
  type Handler,
  type Message,
  type RequestContext,
  readMessage,
  stringAt,
} from '../../proxy/index.ts';
import { readFields } from '../events/event-fields.ts';
import { createEventSplitter } from '../events/event-splitter.ts';
import { putBody } from '../mcp-parser/put-body.ts';

/**
 * Lists of tools that the proxy asks for itself, behind its own chain and in the session of a client: a server may have other tools
 * for each of them.
 */
export interface ToolAsker {
  /** All pages of it, each an answer of the server as text. Throws when there is no list in time. */
  ask(request: Request, context: RequestContext, next: Handler): Promise<readonly string[]>;
  /** One request whose id begins as ours do, and its answer. Throws when there is none in time. */
  exchange(own: OwnRequest, next: Handler, signal: AbortSignal): Promise<string>;
  /** Looks at the data of an event; `true` when it is an answer to us, and not for the client. */
  take(data: string): boolean;
}

export interface OwnRequest {
  readonly id: string;
  readonly request: Request;
  readonly context: RequestContext;
  /** Sees the answer as it came, before its body is read. */
  readonly onResponse?: (response: Response) => void;
}

const PREFIX = 'thv-tool-lock-';
const TIMEOUT_MS = 30_000;
const MAX_PAGES = 100;

export function newId(): string {
  return `${PREFIX}${crypto.randomUUID()}`;
}

export function createToolAsker(timeoutMs = TIMEOUT_MS): ToolAsker {
  /** Answers that come on an event stream of the client (HTTP+SSE). */
  const expected = new Map<string, (answer: string) => void>();

  async function exchange(
    { id, request, context, onResponse }: OwnRequest,
    next: Handler,
    signal: AbortSignal,
  ): Promise<string> {
    const onStream = Promise.withResolvers<string>();
    onStream.promise.catch(() => undefined); // it may be that nobody waits for it
    expected.set(id, onStream.resolve);
    const abort = () => onStream.reject(new Error(`no answer within ${timeoutMs / 1000} s`));
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await next(request, context);
      onResponse?.(response);
      const direct = await readAnswer(response, id);
      if (direct !== undefined) return direct;
      if (response.status !== 202) throw new Error(`the server answered with status ${response.status}`);
      return await onStream.promise;
    } finally {
      expected.delete(id);
      signal.removeEventListener('abort', abort);
    }
  }

  return {
    exchange,
    async ask(request, context, next) {
      const signal = AbortSignal.timeout(timeoutMs);
      const pages: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await exchange(listRequest(request, context, cursor, signal), next, signal);
        pages.push(page);
        cursor = nextCursor(page);
      } while (cursor !== undefined && pages.length < MAX_PAGES);
      return pages;
    },
    take(data) {
      if (expected.size === 0 || !data.includes(PREFIX)) return false;
      const message = readMessage(data);
      if (message?.kind !== 'response') return false;
      const resolve = expected.get(stringAt(data, message.id) ?? '');
      resolve?.(data);
      return resolve !== undefined;
    },
  };
}

/** The client's own request, as it would have been sent for a list. */
function listRequest(
  request: Request,
  context: RequestContext,
  cursor: string | undefined,
  signal: AbortSignal,
): OwnRequest {
  const id = newId();
  const meta = context.message?.meta;
  const ofRevision = Object.entries(meta ?? {}).filter(([name]) =>
    name.startsWith('io.modelcontextprotocol/'),
  );
  const params = {
    ...(cursor === undefined ? {} : { cursor }),
    // In revision 2026-07-28 each request says who asks and in which revision.
    ...(ofRevision.length === 0 ? {} : { _meta: Object.fromEntries(ofRevision) }),
  };
  const text = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params });
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (name.startsWith('mcp-param-')) headers.delete(name);
  headers.delete('mcp-name');
  headers.delete('transfer-encoding');
  if (headers.has('mcp-method')) headers.set('Mcp-Method', 'tools/list');
  headers.set('Content-Type', 'application/json');
  headers.set('Content-Length', String(Buffer.byteLength(text)));
  headers.set('Accept', 'application/json, text/event-stream');
  headers.set('Accept-Encoding', 'identity');
  const own: RequestContext = {
    path: context.path,
    remoteAddress: context.remoteAddress,
    keepOpen: () => context.keepOpen(),
    letGo() {},
    identity: context.identity,
  };
  putBody(own, { content: text, text, message: readMessage(text) });
  return {
    id,
    request: new Request(request.url, { method: 'POST', headers, body: text, signal }),
    context: own,
  };
}

/** `undefined`: the answer comes on another stream, or there is none. */
async function readAnswer(response: Response, id: string): Promise<string | undefined> {
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    return undefined;
  }
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (!isStream) {
    const text = await response.text();
    return isAnswer(readMessage(text), id) ? text : undefined;
  }
  const splitter = createEventSplitter();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const events = value === undefined ? [splitter.flush()] : splitter.push(value);
      for (const event of events) {
        const { data } = readFields(new TextDecoder().decode(event));
        if (data !== undefined && isAnswer(readMessage(data), id)) return data;
      }
      if (done) throw new Error('the server ended its answer without a list');
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it has ended or failed already
  }
}

function isAnswer(message: Message | undefined, id: string): boolean {
  return message?.kind === 'response' && stringAt(message.text, message.id) === id;
}

function nextCursor(page: string): string | undefined {
  const message = readMessage(page);
  if (message?.kind !== 'response' || message.result === undefined) return undefined;
  return stringAt(page, findMember(page, message.result, 'nextCursor')) || undefined;
}
