import { INVALID_REQUEST } from './json-rpc/index.ts';
import { jsonError } from './respond.ts';

/** Spec 04 §2.5, whatever the content type says. */
export function batchRefused(): Response {
  return jsonError(400, {
    code: INVALID_REQUEST,
    message: 'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)',
  });
}
