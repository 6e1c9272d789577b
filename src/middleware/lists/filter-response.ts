import type { Logger } from '../../platform/index.ts';
import { type Handler, INTERNAL_ERROR, jsonError, type RequestContext } from '../../proxy/index.ts';
import { filterEvents } from './filter-events.ts';
import { filterMessage, type MessageFilter } from './filter-message.ts';
import { readDecoded } from './read-decoded.ts';
import { sniff } from './sniff.ts';

interface FilterOptions {
  readonly filter: MessageFilter;
  /** `events`: the answer is no list, but what the server sends beside it on an event stream may be one. */
  readonly looksAt: 'all' | 'events';
  /** Sees the data of every event of a stream first; `false` takes the event out. */
  readonly onData?: ((data: string) => boolean) | undefined;
  readonly log: Logger;
}

/**
 * Hands the request on and filters the lists in what comes back: the one way for every rule that lists go by, on all transports
 * (spec 04 §12.3, spec 05 §12).
 */
export async function filterLists(
  request: Request,
  context: RequestContext,
  next: Handler,
  options: FilterOptions,
): Promise<Response> {
  // A compressed list would have to be unpacked here first (spec 04 §19.9).
  request.headers.set('Accept-Encoding', 'identity');
  const response = await next(request, context);
  if (response.body === null || !mayBeList(response, options.looksAt)) return response;
  const body = readDecoded(response, response.body);
  if (body === undefined) {
    await response.body.cancel();
    const { message } = options.filter.rule.refusal;
    return jsonError(502, { code: INTERNAL_ERROR, message, id: requestId(context) });
  }
  const kind = kindOf(response);
  const streaming = { ...options, context };
  if (kind === 'json') return filterJson(response, body, context, options.filter);
  if (kind === 'events') return replaceBody(response, filterEvents(body, streaming));
  const sniffed = await sniff(body);
  if (sniffed.kind === 'json') return filterJson(response, sniffed.body, context, options.filter);
  const passed = sniffed.kind === 'events' ? filterEvents(sniffed.body, streaming) : sniffed.body;
  return replaceBody(response, passed);
}

/** Whether the answer to a request may hold what a list of these methods is answered with. */
export function mayAnswerList(
  { method }: Request,
  { body }: RequestContext,
  methods: ReadonlySet<string>,
): boolean {
  const message = body?.message;
  if (message !== undefined) return message.kind === 'request' && methods.has(message.method);
  return method !== 'HEAD' && method !== 'OPTIONS' && method !== 'DELETE';
}

/** The id of the request that is being answered, as JSON text. */
export function requestId({ body }: RequestContext): string | undefined {
  const message = body?.message;
  return message?.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
}

/** An answer of unknown type counts only when its status means success: an error may carry any body. */
function mayBeList(response: Response, looksAt: FilterOptions['looksAt']): boolean {
  if (looksAt === 'events') return kindOf(response) === 'events';
  return kindOf(response) !== undefined || response.status === 200 || response.status === 202;
}

function kindOf({ headers }: Response): 'json' | 'events' | undefined {
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return 'json';
  return type === 'text/event-stream' ? 'events' : undefined;
}

async function filterJson(
  response: Response,
  body: ReadableStream<Uint8Array>,
  context: RequestContext,
  filter: MessageFilter,
): Promise<Response> {
  // Nothing travels to the client while the body is read.
  context.keepOpen();
  try {
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const filtered = await filterMessage(text, filter, context);
    const { status } = filter.rule.refusal;
    if (filtered.isRefused && status !== 200) {
      return replaceBody({ ...statusOf(status), headers: response.headers }, filtered.text);
    }
    return replaceBody(response, filtered.text === text ? bytes : filtered.text);
  } finally {
    context.letGo();
  }
}

function statusOf(status: number) {
  return { status, statusText: '' };
}

function replaceBody(
  { status, statusText, headers: old }: Pick<Response, 'status' | 'statusText' | 'headers'>,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
): Response {
  const headers = new Headers(old);
  headers.delete('Content-Length');
  headers.delete('Content-Encoding');
  return new Response(body, { status, statusText, headers });
}
