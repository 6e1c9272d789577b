import type { ThvError } from '../errors/index.ts';
import type { OidcSettings } from './settings.ts';

/** Seconds after which a client may ask again while the provider is down (spec 05 §20-11). */
const RETRY_AFTER_SECONDS = 5;

/** What an answer about authentication says of the resource that is protected. */
interface ProtectedResource {
  readonly settings: Pick<OidcSettings, 'issuer' | 'scopes'>;
  /** RFC 9728 resource identifier; '' when there is none, and then no metadata either. */
  readonly resourceUrl: string;
}

/** 401 with a challenge (RFC 6750 §3, RFC 9728 §5.1; parameters in the order of spec 05 §4.9). */
export function challenge(
  { facts }: ThvError<'ERR_TOKEN_REJECTED'>,
  { settings, resourceUrl }: ProtectedResource,
): Response {
  const parameters: readonly (readonly [string, string])[] = [
    ['realm', settings.issuer],
    ['resource_metadata', metadataUrl(resourceUrl)],
    ['scope', settings.scopes.join(' ')],
    ['error', facts.error],
    ['error_description', facts.reason],
  ];
  const shown = parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&')}"`);
  return new Response(JSON.stringify({ error: facts.error, error_description: facts.description }), {
    status: 401,
    headers: { 'Content-Type': 'application/json', 'WWW-Authenticate': `Bearer ${shown.join(', ')}` },
  });
}

/** 503 for a provider that cannot be asked: an outage of it must not look like a bad token (spec 05 §20-11). */
export function providerUnavailable(
  description = 'the identity provider cannot be reached, so the token cannot be checked',
): Response {
  const body = { error: 'temporarily_unavailable', error_description: description };
  return new Response(JSON.stringify(body), {
    status: 503,
    headers: { 'Content-Type': 'application/json', 'Retry-After': String(RETRY_AFTER_SECONDS) },
  });
}

export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';

/** RFC 9728 §3 for any method, with the CORS headers that browsers' clients need (spec 05 §5). */
export function resourceMetadata(request: Request, { settings, resourceUrl }: ProtectedResource): Response {
  const cors = {
    'Access-Control-Allow-Origin': request.headers.get('origin') ?? '*',
    'Access-Control-Allow-Methods': 'GET, OPTIONS',
    'Access-Control-Allow-Headers': 'mcp-protocol-version, Content-Type, Authorization',
    'Access-Control-Max-Age': '86400',
  };
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors });
  if (resourceUrl === '') return new Response(null, { status: 404, headers: cors });
  const document = {
    resource: resourceUrl,
    authorization_servers: settings.issuer === '' ? [] : [settings.issuer],
    bearer_methods_supported: ['header'],
    scopes_supported: settings.scopes.length === 0 ? ['openid'] : settings.scopes,
  };
  return new Response(JSON.stringify(document), {
    headers: { ...cors, 'Content-Type': 'application/json' },
  });
}

/** RFC 9728 §3.1: the path of the resource comes behind the well-known one. */
function metadataUrl(resourceUrl: string): string {
  const url = URL.parse(resourceUrl);
  if (url === null) return '';
  return `${url.origin}${RESOURCE_METADATA_PATH}${url.pathname === '/' ? '' : url.pathname}`;
}
