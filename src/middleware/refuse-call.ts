import { acceptsJson, jsonError, type RequestContext } from '../proxy/index.ts';
import { requestId } from './lists/filter-response.ts';

const INVALID_PARAMS = -32_602;

/**
 * Refuses a call of a tool in the words of JSON-RPC, so that a model gets to read why (spec 04 §12.3). As JSON, which a client of
 * the old SSE transport reads on its event stream, whatever its POST accepts.
 */
export function refuseCall(request: Request, context: RequestContext, message: string): Response {
  if (context.answersOnStream !== true && !acceptsJson(request.headers.get('accept')))
    return new Response(null, { status: 400 });
  return jsonError(200, { code: INVALID_PARAMS, message, id: requestId(context) });
}
