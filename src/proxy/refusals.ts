import { INVALID_REQUEST } from './json-rpc/index.ts';
import { jsonError } from './respond.ts';

/** Spec 04 §2.5, whatever the content type says. */
export function batchRefused(): Response {
  return jsonError(400, {
    code: INVALID_REQUEST,
    message: 'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)',
  });
}

/**
 * A body that another parser could read differently (spec 04 §12.3). Without an id: which one it has is part of what the
 * readers may disagree about. `problem` as `readTwists` words it.
 */
export function twistRefused(problem: string): Response {
  return jsonError(400, {
    code: INVALID_REQUEST,
    message: `Invalid JSON-RPC 2.0 message: ${problem}, so the server could read another message than the proxy`,
  });
}
