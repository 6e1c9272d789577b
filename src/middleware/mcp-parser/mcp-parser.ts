import * as v from 'valibot';
import { parseParameters } from '../parameters.ts';
import type { ChainServices, Middleware } from '../types.ts';
import { judgeBody } from './judge-body.ts';
import { putBody } from './put-body.ts';
import { withContent } from './with-content.ts';

/**
 * Reads, judges and parses the body of every request, once for all that stand further in: `context.body` and `context.message` (spec
 * 04 §12.2).
 * Whatever its method and content type say, as servers do not go by them either: a tool call must not slip through as plain
 * text or in a PUT (§19.9, §19.11). Not in the chain at all when nobody needs it.
 */
export function createMcpParser(
  parameters: unknown,
  { reads }: Pick<ChainServices, 'reads'>,
): Middleware | undefined {
  parseParameters('mcp-parser', v.strictObject({}), parameters);
  if (!reads.has('message')) return undefined;

  return async function mcpParser(request, context, next) {
    // Bodies of these two are never passed on.
    const isBodyless = request.method === 'GET' || request.method === 'HEAD';
    if (isBodyless || request.body === null) return next(request, context);
    const content = new Uint8Array(await request.arrayBuffer());
    const body = judgeBody(content, request.headers);
    if (body instanceof Response) return body;
    putBody(context, body);
    return next(withContent(request, content), context);
  };
}
