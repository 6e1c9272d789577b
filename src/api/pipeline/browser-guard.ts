import type { MiddlewareHandler } from 'hono';
import { RESOURCE_METADATA_PATH } from '../../oidc/index.ts';
import { textAnswer } from './respond.ts';

/** Types a web page can send anywhere without asking first (Fetch, CORS-safelisted request headers). */
const SIMPLE_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'multipart/form-data',
  'application/x-www-form-urlencoded',
]);

/**
 * Keeps web pages out (spec 10 §20-1): on a loopback address only loopback names are answered, so that a name of the page's own
 * cannot be pointed here; foreign origins and form posts are refused. What sends none of these headers is not touched.
 */
export function browserGuard({ isLoopback }: { readonly isLoopback: boolean }): MiddlewareHandler {
  return async function guardAgainstBrowsers(c, next) {
    const host = c.req.header('host') ?? '';
    if (isLoopback && !isLoopbackHost(hostnameOf(host)))
      return textAnswer(403, `host not allowed: ${printable(host)}`);
    const origin = c.req.header('origin');
    // Meant to be read by any page (RFC 9728, CORS headers of spec 05 §5).
    if (c.req.path.startsWith(RESOURCE_METADATA_PATH)) return next();
    if (origin !== undefined && !isOriginAllowed(origin, host))
      return textAnswer(403, `origin not allowed: ${printable(origin)}`);
    const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
    const isFromPage = origin !== undefined || c.req.header('sec-fetch-site') === 'cross-site';
    if (isFromPage && SIMPLE_TYPES.has(type))
      return textAnswer(403, `content type not allowed: ${printable(type)}`);
    return next();
  };
}

/** Own host or loopback; schemes other than the web's are those of desktop shells. */
function isOriginAllowed(origin: string, host: string): boolean {
  if (origin === 'null') return false;
  const url = URL.parse(origin);
  if (url === null) return false;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return true;
  return isLoopbackHost(url.hostname) || url.host.toLowerCase() === host.toLowerCase();
}

function hostnameOf(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1]?.toLowerCase() ?? '';
}

/** `localhost`, 127.0.0.0/8, `[::1]`. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
