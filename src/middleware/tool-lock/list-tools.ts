import {
  errorMessage,
  findMember,
  findRepeatedKey,
  type Handler,
  MODERN_VERSION,
  type RequestContext,
  readMessage,
  stringAt,
} from '../../proxy/index.ts';
import { type Definition, definitionOf } from '../../tool-lock/index.ts';
import { readFields } from '../events/event-fields.ts';
import { createEventSplitter } from '../events/event-splitter.ts';
import { putBody } from '../mcp-parser/put-body.ts';
import { createToolAsker, newId, type OwnRequest, type ToolAsker } from './ask-tools.ts';

interface ListOptions {
  /** URL of the streamable HTTP endpoint, or of the event stream of HTTP+SSE. */
  readonly url: string;
  readonly isSse: boolean;
  readonly timeoutMs: number;
}

/**
 * All tools of a server in its own words, in a session of our own that is ended again. Throws an `Error` that says what the server
 * answered instead.
 */
export async function listServerTools(handle: Handler, options: ListOptions): Promise<readonly Definition[]> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  const asker = createToolAsker(options.timeoutMs);
  await using stream = options.isSse ? await openStream(handle, asker, options.url, signal) : undefined;
  const url = stream?.postUrl ?? options.url;
  const session = await shakeHands(handle, asker, url, signal);
  try {
    const pages = await asker.ask(session.request, session.context, handle);
    return pages.flatMap(toolsIn);
  } finally {
    if (session.request.headers.has('mcp-session-id')) {
      const ending = new Request(url, { method: 'DELETE', headers: session.request.headers });
      await Promise.resolve(handle(ending, contextFor(url))).then(
        (response) => response.body?.cancel(),
        () => undefined,
      );
    }
  }
}

const CLIENT_INFO = { name: 'toolhive-cli', version: '1.0.0' };

type Session = Pick<OwnRequest, 'request' | 'context'>;

/**
 * Declares all that a client can offer: a stdio server is shaken hands with once, and a first look must not narrow what it offers to
 * the clients after it.
 */
const CAPABILITIES = {
  sampling: { context: {}, tools: {} },
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
};

/** What a list is to be asked for with: the session of a handshake, or the revision that has none. */
async function shakeHands(
  handle: Handler,
  asker: ToolAsker,
  url: string,
  signal: AbortSignal,
): Promise<Session> {
  const params = { protocolVersion: '2025-06-18', capabilities: CAPABILITIES, clientInfo: CLIENT_INFO };
  const headers = new Headers();
  let answer: string;
  try {
    answer = await asker.exchange(
      {
        ...post(url, { id: newId(), method: 'initialize', params }, headers),
        onResponse: (response) => {
          const id = response.headers.get('mcp-session-id');
          if (id !== null) headers.set('Mcp-Session-Id', id);
        },
      },
      handle,
      signal,
    );
    if (errorMessage(answer) !== undefined) throw new Error(errorMessage(answer));
  } catch {
    signal.throwIfAborted();
    return modernSession(url); // if that does not know it either, its answer to the list says so
  }
  const message = readMessage(answer);
  const agreed =
    message?.kind === 'response' ? findMember(answer, message.result, 'protocolVersion') : undefined;
  headers.set('MCP-Protocol-Version', stringAt(answer, agreed) ?? '2025-06-18');
  const { request, context } = post(url, { method: 'notifications/initialized' }, headers);
  await (await handle(request, context)).body?.cancel();
  return post(url, { method: 'tools/list' }, headers);
}

/** The way to ask servers that know revision 2026-07-28 only: each request says what a handshake would have said. */
function modernSession(url: string): Session {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
    'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
    'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
  };
  const headers = new Headers({ 'MCP-Protocol-Version': MODERN_VERSION, 'Mcp-Method': 'tools/list' });
  return post(url, { id: newId(), method: 'tools/list', params: { _meta: meta } }, headers);
}

function post(
  url: string,
  message: { id?: string; method: string; params?: object },
  headers: Headers,
): OwnRequest {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  const sent = new Headers(headers);
  sent.set('Content-Type', 'application/json');
  sent.set('Accept', 'application/json, text/event-stream');
  sent.set('Content-Length', String(Buffer.byteLength(text)));
  const context = contextFor(url);
  putBody(context, { content: text, text, message: readMessage(text) });
  return {
    id: message.id ?? '',
    request: new Request(url, { method: 'POST', headers: sent, body: text }),
    context,
  };
}

function contextFor(url: string): RequestContext {
  return { path: new URL(url).pathname, remoteAddress: '', keepOpen() {}, letGo() {} };
}

interface OpenStream extends AsyncDisposable {
  readonly postUrl: string;
}

/** The event stream of HTTP+SSE, read until it is disposed of. */
async function openStream(
  handle: Handler,
  asker: ToolAsker,
  url: string,
  signal: AbortSignal,
): Promise<OpenStream> {
  const closing = new AbortController();
  const request = new Request(url, { headers: { Accept: 'text/event-stream' }, signal: closing.signal });
  const response = await handle(request, contextFor(url));
  const reader = response.body?.getReader();
  if (!response.ok || reader === undefined)
    throw new Error(`the server answered with status ${response.status}`);
  const splitter = createEventSplitter();
  const endpoint = Promise.withResolvers<string>();
  const abort = () => endpoint.reject(new Error('the server did not say where to post to'));
  signal.addEventListener('abort', abort, { once: true });
  const reading = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return abort();
      for (const event of splitter.push(value)) {
        const { type, data } = readFields(new TextDecoder().decode(event));
        if (type === 'endpoint' && data !== undefined) endpoint.resolve(new URL(data, url).href);
        else if (data !== undefined) asker.take(data);
      }
    }
  })().catch(abort);
  const close = async () => {
    signal.removeEventListener('abort', abort);
    closing.abort();
    await reader.cancel().catch(() => undefined); // it has ended already
    await reading;
  };
  try {
    return { postUrl: await endpoint.promise, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function toolsIn(page: string): readonly Definition[] {
  const problem = errorMessage(page);
  if (problem !== undefined) throw new Error(problem);
  if (findRepeatedKey(page) !== undefined)
    throw new Error(`member ${findRepeatedKey(page)} is there twice in its list`);
  const { result } = JSON.parse(page) as { result?: { tools?: unknown } };
  if (!Array.isArray(result?.tools)) throw new Error('its answer holds no list of tools');
  return result.tools.map((tool: Readonly<Record<string, unknown>>) => definitionOf(tool));
}
