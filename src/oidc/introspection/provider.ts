import { ThvError } from '../../errors/index.ts';
import type { Claims } from '../identity.ts';
import type { OutboundClient } from '../outbound.ts';
import { rejected } from '../rejection.ts';
import type { Rate } from './rate.ts';

/** One way to ask what a token means. */
export interface IntrospectionProvider {
  readonly name: 'google' | 'github' | 'rfc7662';
  readonly requiresExpiry: boolean;
  /** How often it may be asked; absent for as often as tokens come. */
  readonly rate?: Rate;
  /** Throws `ERR_TOKEN_REJECTED` for a token that is not valid, and what asking throws. */
  introspect(token: string, request: IntrospectionRequest): Promise<Claims>;
}

interface IntrospectionRequest {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly client: OutboundClient;
  readonly nowMs: number;
  readonly timeoutMs: number;
}

/** Longest answer that is read, from nowhere but the endpoint. */
export const INTROSPECTION_LIMITS = { maxBytes: 64 * 1024, followRedirects: false } as const;

/** What an endpoint's status means when it is not the expected one; the body is not repeated (spec 05 §20-8). */
export function failureOf(status: number): ThvError {
  if (status === 401) return rejected('introspection unauthorized');
  if (status >= 500 || status === 429)
    return new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: `introspection failed with status ${status}` });
  return rejected(`introspection failed with status ${status}`);
}
