import { readDelegation } from './delegation.ts';
import { BearerToken, type Claims, type Identity, ownerOf } from './identity.ts';
import { rejected } from './rejection.ts';

interface Expectation {
  readonly issuer: string;
  readonly audience: string;
  /** Google and JWTs must say when they end; other introspection results need not (spec 05 §20-5). */
  readonly requiresExpiry: boolean;
}

/** The checks that JWTs and introspection results have in common, in their order (spec 05 §4.6). Throws `ERR_TOKEN_REJECTED`. */
export function identityFrom(token: string, claims: Claims, expected: Expectation, nowMs: number): Identity {
  const { iss, aud, exp, sub, tsid: _, ...rest } = claims;
  if (expected.issuer !== '' && (typeof iss !== 'string' || iss.trim() !== expected.issuer.trim()))
    throw rejected('invalid issuer');
  if (expected.audience !== '' && !(Array.isArray(aud) ? aud : [aud]).includes(expected.audience))
    throw rejected('invalid audience');
  const isEndless = exp === undefined && !expected.requiresExpiry;
  if (!isEndless && !(typeof exp === 'number' && exp * 1000 > nowMs)) throw rejected('token expired');
  if (typeof sub !== 'string' || sub === '') {
    throw rejected("missing or invalid 'sub' claim (required by OIDC Core 1.0 section 5.1)", {
      publicDescription: 'Invalid authentication claims',
    });
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const kept = Object.fromEntries(
    Object.entries({ ...rest, iss, aud, exp, sub }).filter(([, value]) => value !== undefined),
  );
  return {
    kind: 'oidc',
    subject: sub,
    platformUserId: sub,
    name: text(claims['name']),
    email: text(claims['email']),
    claims: kept,
    delegation: readDelegation(claims['act']),
    token: new BearerToken(token),
    owner: ownerOf('oidc', text(iss) ?? '', sub),
    tools: undefined,
  };
}
