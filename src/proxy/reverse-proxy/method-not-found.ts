import { findMember, METHOD_NOT_FOUND } from '../json-rpc/index.ts';

const MAX_BYTES = 64 * 1024;

/**
 * Whether a 404 is the answer to an unknown method and not to an unknown session (spec 04 §18.2, §19.7). The body stays
 * readable.
 */
export async function isMethodNotFound(response: Response): Promise<boolean> {
  if (response.headers.get('content-type')?.includes('json') !== true) return false;
  const length = response.headers.get('content-length');
  if (length !== null && Number(length) > MAX_BYTES) return false;
  const text = await response.clone().text();
  const code = findMember(text, { start: 0, end: text.length }, 'error', 'code');
  return code !== undefined && Number(text.slice(code.start, code.end)) === METHOD_NOT_FOUND;
}
