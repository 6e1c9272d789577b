import { classifyEra, MODERN_VERSION, rejectionResponse } from '../era/index.ts';
import { findMember } from '../json-rpc/index.ts';
import { findId } from './answers.ts';
import type { ForwardBody } from './request-body.ts';

/** What the proxy has to know of a request. `opaque`: nothing, because it is no JSON-RPC request or not ours to read. */
export type RequestKind = 'initialize' | 'modern' | 'legacy' | 'opaque';

export interface ClassifyFacts {
  readonly request: Request;
  readonly path: string;
  readonly body: ForwardBody;
  readonly transport: 'sse' | 'streamable-http' | undefined;
}

/**
 * Spec 04 §7.2, the row of the reverse proxy. A refusal is an answer to the client; the server does not hear of it.
 * Bodies are parsed only when they may matter: most tool calls of sessions are not.
 */
export function classifyRequest({ request, path, body, transport }: ClassifyFacts): RequestKind | Response {
  if (request.method !== 'POST') return 'opaque';
  const { headers } = request;
  const isMcp =
    transport === 'streamable-http' ||
    (path.startsWith('/mcp') && headers.get('content-type')?.includes('application/json') === true);
  const header = headers.get('mcp-protocol-version');
  const mayBeModern = isMcp && (header === MODERN_VERSION || body.maySpell('modelcontextprotocol'));
  if (!mayBeModern && !body.maySpell('initialize')) return 'opaque';
  const message = body.message();
  const id = findId(body);
  if (message?.kind !== 'request' || id === undefined) return 'opaque';
  if (message.method === 'initialize') return 'initialize';
  if (!mayBeModern) return 'legacy';
  const at = findMember(message.text, message.params, '_meta');
  const meta: unknown = at === undefined ? undefined : JSON.parse(message.text.slice(at.start, at.end));
  const era = classifyEra({ method: message.method, meta, header });
  return era.era === 'rejected' ? rejectionResponse(id, era) : era.era;
}
