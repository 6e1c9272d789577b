import * as v from 'valibot';
import { batchRefused, isBatch, readMessage } from '../../proxy/index.ts';
import { parseParameters } from '../parameters.ts';
import type { ChainDeps, Middleware } from '../types.ts';
import { McpBody } from './mcp-body.ts';
import { withContent } from './with-content.ts';

/**
 * Reads and parses the body of every POST, once for all that stand further in: `context.body` (spec 04 §12.2). Whatever
 * its content type says, as the endpoints do not go by it either: a tool call must not slip through as plain text
 * (§19.9, §19.11). Not in the chain at all when nobody needs it.
 */
export function createMcpParser(parameters: unknown, { readsMessages }: ChainDeps): Middleware | undefined {
  parseParameters('mcp-parser', v.strictObject({}), parameters);
  if (!readsMessages) return undefined;

  return async function mcpParser(request, context, next) {
    if (request.method !== 'POST' || request.body === null) return next(request, context);
    const content = new Uint8Array(await request.arrayBuffer());
    const text = new TextDecoder().decode(content);
    const message = readMessage(text);
    if (message === undefined && isBatch(text)) return batchRefused();
    context.body = new McpBody(content, text, message);
    return next(withContent(request, content), context);
  };
}
