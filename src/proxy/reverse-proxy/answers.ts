import { INTERNAL_ERROR, SESSION_NOT_FOUND } from '../json-rpc/index.ts';
import { jsonError } from '../respond.ts';
import type { ForwardBody } from './request-body.ts';

/** The id of the request in the body as JSON text, where there is one. */
export function findId(body: ForwardBody): string | undefined {
  const message = body.message();
  return message?.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
}

/** Spec 04 §8.4: tells the client to initialize again. */
export function sessionNotFound(body: ForwardBody): Response {
  return jsonError(404, { code: SESSION_NOT_FOUND, message: 'Session not found', id: findId(body) });
}

/** Spec 04 §8.1: an empty body, unless there is a request that can be answered. */
export function unreachable(body: ForwardBody): Response {
  const id = findId(body);
  if (id === undefined) return new Response(null, { status: 502 });
  return jsonError(502, { code: INTERNAL_ERROR, message: 'The MCP server cannot be reached', id });
}

export function unavailable(body: ForwardBody): Response {
  const headers = { 'Retry-After': '1' };
  const id = findId(body);
  if (id === undefined) return new Response(null, { status: 503, headers });
  return jsonError(503, { code: INTERNAL_ERROR, message: 'The MCP server is not running', id, headers });
}
