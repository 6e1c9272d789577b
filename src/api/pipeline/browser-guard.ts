import type { MiddlewareHandler } from 'hono';
import { objectToPage } from '../../middleware/index.ts';
import { isLoopbackHost } from '../../net/index.ts';
import { RESOURCE_METADATA_PATH } from '../../oidc/index.ts';
import { textAnswer } from './respond.ts';

/**
 * Keeps web pages out (spec 10 §20-1): on a loopback address only loopback names are answered, so that a name of the page's
 * own cannot be pointed here, and of pages only those that were loaded from this very address, sending JSON, are served.
 * Other programs are not touched.
 */
export function browserGuard({ isLoopback }: { readonly isLoopback: boolean }): MiddlewareHandler {
  return async function guardAgainstBrowsers(c, next) {
    const host = c.req.header('host') ?? '';
    if (isLoopback && !isLoopbackHost(hostnameOf(host)))
      return textAnswer(403, `host not allowed: ${printable(host)}`);
    // The first is meant to be read by any page (RFC 9728, CORS headers of spec 05 §5).
    if (c.req.path.startsWith(RESOURCE_METADATA_PATH) || isLinkToDocumentation(c.req.raw, c.req.path))
      return next();
    const own = `http://${host.toLowerCase()}`;
    const objection = objectToPage(c.req.raw, (origin) => (origin === own ? 'own' : undefined));
    return objection === undefined
      ? next()
      : textAnswer(403, `${objection.to} not allowed: ${objection.value}`);
  };
}

/** A page without data, which other pages and mails link to. A frame of another page is no such visit. */
function isLinkToDocumentation({ method, headers }: Request, path: string): boolean {
  const isVisit =
    headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document';
  return path === '/api/doc' && method === 'GET' && isVisit && !headers.has('origin');
}

function hostnameOf(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1]?.toLowerCase() ?? '';
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
