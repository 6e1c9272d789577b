import { INTERNAL_ERROR, TIMEOUT } from '../json-rpc/index.ts';
import { jsonError, textError } from '../respond.ts';

/** Why a call got no answer from the process. */
export type Failure =
  /** No answer in time (spec 04 §6.6). */
  | 'timeout'
  /** The process died with the call in flight (§19.5). */
  | 'process-ended'
  /** No process came while the call waited to be sent. */
  | 'unavailable'
  /** The queue to the process is full: try again, nothing was sent (§19.5). */
  | 'busy'
  /** Every session that may exist is in use. */
  | 'crowded'
  /** The client cancelled, and the process, as it may, said nothing more. */
  | 'cancelled'
  | 'client-gone'
  | 'session-ended'
  | 'stopping';

/** The error a waiting client reads in a stream. */
export function failureError(failure: Failure): { readonly code: number; readonly message: string } {
  switch (failure) {
    case 'timeout':
      return { code: TIMEOUT, message: 'Timeout' };
    case 'process-ended':
      return { code: INTERNAL_ERROR, message: 'The MCP server ended before it answered' };
    case 'unavailable':
      return { code: INTERNAL_ERROR, message: 'The MCP server is not running' };
    case 'busy':
      return { code: INTERNAL_ERROR, message: 'The queue to the MCP server is full' };
    case 'crowded':
      return { code: INTERNAL_ERROR, message: 'Too many sessions' };
    case 'session-ended':
      return { code: INTERNAL_ERROR, message: 'Session ended' };
    case 'stopping':
      return { code: INTERNAL_ERROR, message: 'The proxy is stopping' };
    case 'cancelled':
    case 'client-gone':
      return { code: INTERNAL_ERROR, message: 'Request cancelled' };
  }
}

/** The HTTP answer where nothing has been sent yet (spec 04 §6.6, §19.5). */
export function failureResponse(failure: Failure, id?: string): Response {
  switch (failure) {
    case 'process-ended':
      return jsonError(502, { ...failureError(failure), id });
    case 'unavailable':
    case 'busy':
    case 'crowded':
      return jsonError(503, { ...failureError(failure), id, headers: { 'Retry-After': '1' } });
    default:
      return textError(504, 'Timeout waiting for response from container');
  }
}
