import {
  decodeHeaderValue,
  findMember,
  type Message,
  type ReadBody,
  type Span,
  splice,
  stringAt,
} from '../../proxy/index.ts';
import { putBody } from '../mcp-parser/put-body.ts';
import { withContent } from '../mcp-parser/with-content.ts';
import { refuseCall } from '../refuse-call.ts';
import type { Middleware } from '../types.ts';
import { encodeHeaderValue } from './header-value.ts';
import { ANY_TOOL, limitedTo, parseToolRules } from './tool-rules.ts';

/**
 * Request side of `--tools` and `--tools-override`: a call of a tool that clients do not see is refused before the server
 * hears of it, and a tool's own name takes the place of the name that clients know (spec 04 §12.3, §19.9).
 */
export function createToolCallFilter(parameters: unknown): Middleware {
  const all = parseToolRules('tool-call-filter', parameters);

  return function toolCallFilter(request, context, next) {
    const rules = limitedTo(context.identity?.tools, all);
    if (rules === ANY_TOOL) return next(request, context);
    // What is no message to us is none to the server: `mcp-parser` has seen to it.
    const message = context.body?.message;
    if (message === undefined || message.kind === 'response') return next(request, context);
    if (message.method !== 'tools/call') return next(request, context);
    const { text } = message;
    const nameAt =
      text[message.params?.start ?? -1] === '{' ? findMember(text, message.params, 'name') : undefined;
    const visible = stringAt(text, nameAt);
    if (nameAt === undefined || visible === undefined || visible === '')
      return new Response(null, { status: 400 });
    const actual = rules.resolve(visible);
    if (actual === undefined) return refuseCall(request, context, 'tool not found');
    if (actual === visible) return next(request, context);
    const renamed = rename(message, nameAt, actual);
    putBody(context, renamed);
    return next(withToolName(withContent(request, renamed.content), visible, actual), context);
  };
}

function rename(message: Exclude<Message, { kind: 'response' }>, nameAt: Span, actual: string): ReadBody {
  const by = JSON.stringify(actual);
  const text = splice(message.text, [{ at: nameAt, by }]);
  const shift = text.length - message.text.length;
  const moved = (span: Span): Span =>
    span.start > nameAt.start ? { start: span.start + shift, end: span.end + shift } : span;
  const params = message.params && { start: message.params.start, end: message.params.end + shift };
  const renamed =
    message.kind === 'request'
      ? { ...message, text, params, id: moved(message.id), meta: message.meta && moved(message.meta) }
      : { ...message, text, params };
  return { content: text, text, message: renamed };
}

/** Revision 2026-07-28 repeats the name in a header, and the two must agree (spec 04 §18.1). */
function withToolName(request: Request, visible: string, actual: string): Request {
  const claimed = request.headers.get('mcp-name');
  if (claimed !== null && decodeHeaderValue(claimed) === visible)
    request.headers.set('Mcp-Name', encodeHeaderValue(actual));
  return request;
}
