import { type Handler, INTERNAL_ERROR, jsonError, type RequestContext } from '../../proxy/index.ts';
import type { Middleware, Services } from '../types.ts';
import { filterEvents } from './filter-events.ts';
import { filterToolLists, UNFILTERABLE } from './filter-list.ts';
import { readDecoded } from './read-decoded.ts';
import { sniff } from './sniff.ts';
import { ANY_TOOL, limitedTo, parseToolRules, type ToolRules } from './tool-rules.ts';

/**
 * Response side of `--tools` and `--tools-override`: lists of tools show what clients may use, by the names they know
 * (spec 04 §12.3). A response that cannot hold such a list is not touched.
 */
export function createToolFilter(parameters: unknown, { log }: Pick<Services, 'log'>): Middleware {
  const all = parseToolRules('tool-filter', parameters);

  return function toolFilter(request, context, next) {
    const rules = limitedTo(context.identity?.tools, all);
    return rules === ANY_TOOL || !mayAnswerList(request, context)
      ? next(request, context)
      : filterAnswer(request, context, { rules, next });
  };

  async function filterAnswer(
    request: Request,
    context: RequestContext,
    { rules, next }: { readonly rules: ToolRules; readonly next: Handler },
  ): Promise<Response> {
    // A compressed list would have to be unpacked here first (spec 04 §19.9).
    request.headers.set('Accept-Encoding', 'identity');
    const response = await next(request, context);
    if (response.body === null || !mayBeList(response)) return response;
    const body = readDecoded(response, response.body);
    if (body === undefined) {
      await response.body.cancel();
      return jsonError(502, { code: INTERNAL_ERROR, message: UNFILTERABLE, id: idOf(context) });
    }
    switch (mediaType(response)) {
      case 'application/json':
        return filterJson(response, body, context, rules);
      case 'text/event-stream':
        return filterStream(response, body, rules);
      default:
        return filterUnknown(response, body, context, rules);
    }
  }

  function filterStream(response: Response, body: ReadableStream<Uint8Array>, rules: ToolRules): Response {
    return replaceBody(response, filterEvents(body, { rules, log }));
  }

  async function filterUnknown(
    response: Response,
    original: ReadableStream<Uint8Array>,
    context: RequestContext,
    rules: ToolRules,
  ): Promise<Response> {
    const { kind, body } = await sniff(original);
    if (kind === 'json') return filterJson(response, body, context, rules);
    return kind === 'events' ? filterStream(response, body, rules) : replaceBody(response, body);
  }
}

/** An answer of unknown type counts only when its status means success: an error may carry any body. */
function mayBeList(response: Response): boolean {
  const type = mediaType(response);
  if (type === 'application/json' || type === 'text/event-stream') return true;
  return response.status === 200 || response.status === 202;
}

function idOf({ body }: RequestContext): string | undefined {
  const message = body?.message;
  return message?.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
}

/** What a request whose method is known to be another one is answered with cannot be a list of tools. */
function mayAnswerList({ method }: Request, { body }: RequestContext): boolean {
  const message = body?.message;
  if (message !== undefined) return message.kind === 'request' && message.method === 'tools/list';
  return method !== 'HEAD' && method !== 'OPTIONS' && method !== 'DELETE';
}

async function filterJson(
  response: Response,
  body: ReadableStream<Uint8Array>,
  context: RequestContext,
  rules: ToolRules,
): Promise<Response> {
  // Nothing travels to the client while the body is read.
  context.keepOpen();
  try {
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const filtered = filterToolLists(text, rules);
    return replaceBody(response, filtered === text ? bytes : filtered);
  } finally {
    context.letGo();
  }
}

function replaceBody(
  { status, statusText, headers: old }: Response,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
): Response {
  const headers = new Headers(old);
  headers.delete('Content-Length');
  headers.delete('Content-Encoding');
  return new Response(body, { status, statusText, headers });
}

function mediaType({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
