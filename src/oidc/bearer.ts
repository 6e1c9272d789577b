import { withoutToken } from './rejection.ts';

/** Longer ones come from no provider, and are not worth a hash or a signature check. */
const MAX_CHARS = 16 * 1024;

/** RFC 6750 §2.1, as strict as the reference (spec 05 §4.2). Throws `ERR_TOKEN_REJECTED`. */
export function readBearer(authorization: string | null): string {
  if (authorization === null || authorization === '') throw withoutToken('authorization header required');
  if (!authorization.startsWith('Bearer ')) throw withoutToken(FORMAT);
  const token = authorization.slice('Bearer '.length);
  if (token.trim() === '') throw withoutToken('empty token in authorization header');
  // No token has a comma: this is how two headers of one name arrive, and others might go by the second.
  if (token.includes(',')) throw withoutToken(FORMAT);
  if (token.length > MAX_CHARS) throw withoutToken(`the token is longer than ${MAX_CHARS} characters`);
  return token;
}

const FORMAT = "invalid authorization header format, expected 'Bearer <token>'";
