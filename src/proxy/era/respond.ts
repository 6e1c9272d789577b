import { errorText } from '../json-rpc/index.ts';
import type { Rejection } from './classify.ts';

/** 400 with the request's own id, given as JSON text so that it comes back byte for byte (spec 04 §7.1). */
export function rejectionResponse(id: string, rejection: Rejection): Response {
  return new Response(rejectionText(id, rejection), {
    status: 400,
    headers: { 'Content-Type': 'application/json' },
  });
}

/** The same as a message on a stream that is open already. */
export function rejectionText(id: string, { code, message, data }: Rejection): string {
  return errorText(id, code, message, data === undefined ? undefined : JSON.stringify(data));
}
