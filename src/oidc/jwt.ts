import { decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ThvError } from '../errors/index.ts';
import type { Claims } from './identity.ts';
import { rejected } from './rejection.ts';

/** Asymmetric only: with HS256 the public key would be the secret (spec 05 §4.5). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];

/** Whether a token has the form of a signed JWT; anything else is opaque (spec 05 §4.7). */
export function isJwt(token: string): boolean {
  try {
    decodeProtectedHeader(token);
    decodeJwt(token);
    return true;
  } catch {
    return false; // not ours to judge: an opaque token means nothing to anybody but its issuer
  }
}

/**
 * The claims of a JWT whose signature and times hold, without leeway. Throws `ERR_TOKEN_REJECTED` with the reference's
 * reasons (spec 05 §4.9), and what fetching the keys throws.
 */
export async function verifyJwt(token: string, keys: JWTVerifyGetKey, nowMs: number): Promise<Claims> {
  const { alg, kid } = decodeProtectedHeader(token);
  if (alg === undefined || !ALGORITHMS.includes(alg)) throw unverifiable(`unexpected signing method: ${alg}`);
  if (typeof kid !== 'string' || kid === '') throw unverifiable('token header missing kid');
  try {
    const options = { algorithms: ALGORITHMS, currentDate: new Date(nowMs) };
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (error instanceof ThvError) throw error;
    throw explain(error, kid);
  }
}

function explain(error: unknown, kid: string): ThvError {
  if (error instanceof errors.JWTExpired)
    return rejected('failed to parse token: token has invalid claims: token is expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return rejected(
      error.claim === 'nbf' && error.reason === 'check_failed'
        ? 'failed to parse token: token has invalid claims: token is not valid yet'
        : `failed to parse token: token has invalid claims: ${error.claim} is not valid`,
    );
  }
  if (error instanceof errors.JWKSNoMatchingKey) return unverifiable(`key ID ${kid} not found in JWKS`);
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return unverifiable(`key ID ${kid} is in the JWKS more than once`);
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return rejected('failed to parse token: token signature is invalid: verification error');
  return unverifiable('the token cannot be checked with its key');
}

function unverifiable(reason: string): ThvError {
  return rejected(`failed to parse token: token is unverifiable: error while executing keyfunc: ${reason}`);
}
