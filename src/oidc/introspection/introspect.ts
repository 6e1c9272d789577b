import { ThvError } from '../../errors/index.ts';
import type { Claims } from '../identity.ts';
import type { OutboundClient } from '../outbound.ts';
import { rejected } from '../rejection.ts';
import { GOOGLE_TOKENINFO_URL, type OidcSettings } from '../settings.ts';
import { createIntrospectionCache } from './cache.ts';
import { github, isGithubUrl } from './github.ts';
import { google } from './google.ts';
import type { IntrospectionProvider } from './provider.ts';
import { createRate } from './rate.ts';
import { rfc7662 } from './rfc7662.ts';

export interface Introspector {
  readonly requiresExpiry: boolean;
  introspect(token: string): Promise<Claims>;
}

interface IntrospectorDependencies {
  readonly client: OutboundClient;
  readonly now: () => number;
  readonly timeoutMs: number;
}

/** Asks the provider that belongs to the introspection URL, and remembers its answers for a short while (spec 05 §4.7, §20-8). */
export function createIntrospector(
  settings: OidcSettings,
  { client, now, timeoutMs }: IntrospectorDependencies,
): Introspector {
  const { introspectionUrl: url, clientId, clientSecret } = settings;
  const provider = providerOf(url);
  const cache = createIntrospectionCache(now);
  const mayAsk = provider.rate === undefined ? () => true : createRate(provider.rate, now);
  return {
    requiresExpiry: provider.requiresExpiry,
    introspect: (token) =>
      cache.through(token, async () => {
        try {
          if (!mayAsk()) throw new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: 'asked too often' });
          return await provider.introspect(token, {
            url,
            clientId,
            clientSecret,
            client,
            nowMs: now(),
            timeoutMs,
          });
        } catch (error) {
          throw inContext(error, provider.name);
        }
      }),
  };
}

function providerOf(url: string): IntrospectionProvider {
  if (url === GOOGLE_TOKENINFO_URL) return google;
  return isGithubUrl(url) ? github : rfc7662;
}

function inContext(error: unknown, name: string): unknown {
  if (!(error instanceof ThvError)) return error;
  const prefix = `failed to introspect opaque token: ${name} introspection failed`;
  if (error.code === 'ERR_PROVIDER_UNREACHABLE') return error.within(prefix);
  return rejected(`${prefix}: ${error.code === 'ERR_TOKEN_REJECTED' ? error.message : publicReason(error)}`);
}

function publicReason(error: ThvError): string {
  return error.code === 'ERR_PROVIDER_REFUSED'
    ? error.message
    : 'the introspection endpoint could not be used';
}
