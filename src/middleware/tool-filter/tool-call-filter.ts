import {
  createScan,
  decodeHeaderValue,
  errorText,
  findMember,
  jsonError,
  type Message,
  type ReadBody,
  type Span,
  skipObject,
  skipSpace,
  splice,
  stringAt,
  textError,
} from '../../proxy/index.ts';
import { McpBody } from '../mcp-parser/mcp-body.ts';
import { withContent } from '../mcp-parser/with-content.ts';
import type { ChainDeps, Middleware } from '../types.ts';
import { encodeHeaderValue } from './header-value.ts';
import { parseToolRules } from './tool-rules.ts';

const INVALID_PARAMS = -32_602;

/**
 * Request side of `--tools` and `--tools-override`: a call of a tool that clients do not see is refused before the server
 * hears of it, and a tool's own name takes the place of the name that clients know (spec 04 §12.3, §19.9).
 */
export function createToolCallFilter(parameters: unknown, { callerStreams }: ChainDeps): Middleware {
  const rules = parseToolRules('tool-call-filter', parameters);

  return function toolCallFilter(request, context, next) {
    const { body } = context;
    if (body === undefined) return next(request, context);
    if (isUnreadable(request.headers)) {
      return textError(415, 'Unsupported Media Type: the body must be plain UTF-8', {
        'Accept-Encoding': 'identity',
      });
    }
    const { message } = body;
    if (message === undefined) {
      return mayHideCall(body.text) ? textError(400, 'Invalid JSON-RPC 2.0 message') : next(request, context);
    }
    if (message.kind === 'response') return next(request, context);
    if (isAmbiguous(message)) return textError(400, 'Invalid JSON-RPC 2.0 message');
    if (message.method !== 'tools/call') return next(request, context);
    const { text } = message;
    const nameAt =
      text[message.params?.start ?? -1] === '{' ? findMember(text, message.params, 'name') : undefined;
    const visible = stringAt(text, nameAt);
    if (nameAt === undefined || visible === undefined || visible === '')
      return new Response(null, { status: 400 });
    const actual = rules.resolve(visible);
    if (actual === undefined) return refuse(request, message);
    if (actual === visible) return next(request, context);
    const renamed = rename(message, nameAt, actual);
    context.body = renamed;
    return next(withToolName(withContent(request, renamed.content), visible, actual), context);
  };

  /** On the stream of a client of the old SSE transport, which looks for answers nowhere else (spec 04 §19.9). */
  function refuse(request: Request, message: Exclude<Message, { kind: 'response' }>): Response {
    const id = message.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
    const refusal = { code: INVALID_PARAMS, message: 'tool not found', id };
    const stream = callerStreams.find(request.url);
    if (stream !== undefined) {
      const isTaken = id === undefined || stream.send(errorText(id, refusal.code, refusal.message));
      return isTaken
        ? new Response('Accepted', { status: 202, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
        : textError(503, 'The event stream is not being read', { 'Retry-After': '1' });
    }
    return acceptsJson(request.headers) ? jsonError(200, refusal) : new Response(null, { status: 400 });
  }
}

/** What we cannot read the server might: a call could hide in it. */
function isUnreadable(headers: Headers): boolean {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i
    .exec(headers.get('content-type') ?? '')?.[1]
    ?.toLowerCase();
  const isUtf8 = charset === undefined || ['utf-8', 'utf8', 'us-ascii', 'iso-8859-1'].includes(charset);
  return (coding !== '' && coding !== 'identity') || !isUtf8;
}

/** Text that we do not take for a message, but that a more tolerant server might take for a tool call. */
function mayHideCall(text: string): boolean {
  if (!/^[\s\uFEFF]*\{/.test(text)) return false;
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return Object.entries(value as object).some(
      ([name, member]) => isNearly(name, 'method') && isCall(member),
    );
  } catch {
    return true; // NaN, comments and the like are taken by some parsers
  }
}

function isCall(method: unknown): boolean {
  return typeof method === 'string' && method.trim().toLowerCase() === 'tools/call';
}

function isNearly(name: string, wanted: string): boolean {
  return name.toLowerCase() === wanted;
}

/**
 * Some servers match names in any case (Go's decoder), some take the first of two equal ones: they must not read another
 * call than we do.
 */
function isAmbiguous({ text, params, method }: Exclude<Message, { kind: 'response' }>): boolean {
  if (isSpeltTwoWays(text, skipSpace(text, 0), ['method', 'params'])) return true;
  return method === 'tools/call' && params !== undefined && isSpeltTwoWays(text, params.start, ['name']);
}

function isSpeltTwoWays(text: string, start: number, names: readonly string[]): boolean {
  const seen = new Set<string>();
  let found = false;
  skipObject(createScan(text), start, 0, (keyStart, keyEnd) => {
    const quoted = text.slice(keyStart, keyEnd);
    const key: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
    if (!names.some((name) => isNearly(key, name))) return;
    if (!names.includes(key) || seen.has(key)) found = true;
    seen.add(key);
  });
  return found;
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
      ? { ...message, text, params, id: moved(message.id) }
      : { ...message, text, params };
  return new McpBody(text, text, renamed);
}

/** Revision 2026-07-28 repeats the name in a header, and the two must agree (spec 04 §18.1). */
function withToolName(request: Request, visible: string, actual: string): Request {
  const claimed = request.headers.get('mcp-name');
  if (claimed !== null && decodeHeaderValue(claimed) === visible)
    request.headers.set('Mcp-Name', encodeHeaderValue(actual));
  return request;
}

function acceptsJson(headers: Headers): boolean {
  const accept = headers.get('accept');
  if (accept === null) return true;
  return accept
    .split(',')
    .map((range) => range.split(';')[0]?.trim().toLowerCase())
    .some((range) => range === 'application/json' || range === 'application/*' || range === '*/*');
}
