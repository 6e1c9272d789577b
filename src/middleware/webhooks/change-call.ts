import * as v from 'valibot';
import { messageOf } from '../../errors/index.ts';
import { isBatch, type ReadBody, type RequestContext } from '../../proxy/index.ts';
import { judgeBody } from '../mcp-parser/judge-body.ts';
import { putBody } from '../mcp-parser/put-body.ts';
import { withContent } from '../mcp-parser/with-content.ts';
import { encodeHeaderValue } from '../tool-filter/header-value.ts';
import { applyPatch, type PatchOperation, parseExactly, stringifyExactly } from './json-patch.ts';

/** What becomes of a message by a webhook's answer. `fault`: nothing, as the answer cannot be used. */
type Change =
  | { readonly type: 'none' }
  | { readonly type: 'changed'; readonly body: ReadBody }
  | { readonly type: 'fault'; readonly message: string; readonly reason: string }
  | { readonly type: 'batch' | 'invalid' };

const Operations = v.array(
  v.looseObject({
    op: v.string(),
    path: v.string(),
    from: v.optional(v.string()),
    value: v.optional(v.unknown()),
  }),
);
const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);
const SCOPE = '/mcp_request/';
const PLAIN = new Headers({ 'Content-Type': 'application/json' });

/** The message with a patch of the form RFC 6902, whose paths begin in the envelope (spec 05 §17.2). */
export function changeCall(
  { body }: RequestContext,
  { patchType, patch }: { readonly patchType: unknown; readonly patch: unknown },
): Change {
  const isEmpty = patch === undefined || patch === null || (Array.isArray(patch) && patch.length === 0);
  if (body === undefined || (isEmpty && !patchType)) return { type: 'none' };
  if (patchType !== 'json_patch')
    return fault('Unsupported patch type from webhook', `unknown patch_type ${JSON.stringify(patchType)}`);
  if (isEmpty) return { type: 'none' };
  const parsed = v.safeParse(Operations, patch);
  if (!parsed.success) return fault('Malformed patch from webhook', 'the patch is no list of operations');
  const operations = parsed.output;
  const unknown = operations.find(isUnknown);
  if (unknown !== undefined)
    return fault('Invalid patch from webhook', `the operation ${unknown.op} makes no sense`);
  if (!operations.every(isInScope))
    return fault('Patch must be scoped to mcp_request', 'the patch reaches beyond the request');
  try {
    const document = applyPatch({ mcp_request: parseExactly(body.text) }, operations as PatchOperation[]);
    const changed = (document as { readonly mcp_request: unknown }).mcp_request;
    return readChanged(stringifyExactly(changed), body);
  } catch (error) {
    return fault('Failed to apply patch from webhook', messageOf(error));
  }
}

/** The same request with the changed message, and headers that repeat its method and name (spec 04 §18.1). */
export function withChanged(request: Request, context: RequestContext, body: ReadBody): Request {
  putBody(context, body);
  const changed = withContent(request, body.content);
  const { method = '', params = {} } = context.message ?? {};
  if (changed.headers.has('mcp-method')) changed.headers.set('Mcp-Method', method);
  if (changed.headers.has('mcp-name')) {
    const name = params['name'] ?? params['uri'];
    if (typeof name === 'string') changed.headers.set('Mcp-Name', encodeHeaderValue(name));
    else changed.headers.delete('Mcp-Name');
  }
  return changed;
}

/** Judged like a message of a client's; its id stays, as the client waits for an answer to it. */
function readChanged(text: string, before: ReadBody): Change {
  if (isBatch(text)) return { type: 'batch' };
  const body = judgeBody(new Uint8Array(Buffer.from(text)), PLAIN);
  if (body instanceof Response || body.message === undefined || body.message.kind === 'response')
    return { type: 'invalid' };
  if (idOf(body) !== idOf(before)) return { type: 'invalid' };
  return { type: 'changed', body };
}

function idOf({ message }: ReadBody): string | undefined {
  return message?.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
}

function isUnknown({ op, from, ...rest }: v.InferOutput<typeof Operations>[number]): boolean {
  if (!OPERATIONS.has(op)) return true;
  if (op === 'move' || op === 'copy') return from === undefined;
  return op !== 'remove' && !Object.hasOwn(rest, 'value');
}

function isInScope({ op, path, from = '' }: v.InferOutput<typeof Operations>[number]): boolean {
  const needsFrom = op === 'move' || op === 'copy';
  return path.startsWith(SCOPE) && (!needsFrom || from.startsWith(SCOPE));
}

function fault(message: string, reason: string): Change {
  return { type: 'fault', message, reason };
}
