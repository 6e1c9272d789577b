import { isLoopbackHost } from '../../net/index.ts';
import { errorText, INVALID_REQUEST, jsonError } from '../../proxy/index.ts';
import type { Middleware, Services } from '../types.ts';
import { objectToPage } from './page.ts';

/**
 * Keeps foreign web pages from reaching a local server through a browser (spec 04 §2.4, §19.11), whatever they ask for: an
 * event stream is opened by a GET. A list of the user's replaces the defaults of a loopback bind; what a stored chain says
 * was true of an earlier port. Against names that are pointed here (DNS rebinding), `Host` must be one of ours.
 */
export function createOrigin(
  _parameters: unknown,
  { log, proxy }: Pick<Services, 'log' | 'proxy'>,
): Middleware | undefined {
  const { allowedOrigins, port } = proxy;
  const isLoopback = isLoopbackHost(proxy.bindHost);
  const allowed = allowedOrigins.length > 0 ? allowedOrigins : isLoopback ? defaultOrigins(port) : [];
  if (allowed.length === 0) {
    log.warn('Origin validation disabled — no allowlist configured for non-loopback bind');
    return undefined;
  }
  const origins = new Set(allowed.map((origin) => normaliseOrigin(origin) ?? origin));
  const hosts = isLoopback && !proxy.trustProxyHeaders ? allowedHosts(port, allowedOrigins) : undefined;

  return function origin(request, context, next) {
    const host = request.headers.get('host');
    if (hosts !== undefined && host !== null && !hosts.has(host.toLowerCase()))
      return jsonError(403, { code: INVALID_REQUEST, message: 'Host not allowed' });
    const objection = objectToPage(request, trust);
    if (objection === undefined) return next(request, context);
    return objection.to === 'origin' ? refusedOrigin(objection.value) : refusedType(objection.value);
  };

  function trust(origin: string) {
    const claim = normaliseOrigin(origin);
    return claim !== undefined && origins.has(claim) ? 'listed' : undefined;
  }
}

/** Where a page is meant to reach the server, its user has to know what to ask for. */
function refusedOrigin(origin: string): Response {
  const remedy = `to let pages of ${origin} use this server, run it with --allowed-origins ${origin}`;
  const data = JSON.stringify(/^[a-z]/i.test(origin) && origin !== 'null' ? { origin, remedy } : { origin });
  const text = errorText(undefined, INVALID_REQUEST, 'Origin not allowed', data);
  return new Response(text, { status: 403, headers: { 'Content-Type': 'application/json' } });
}

function refusedType(type: string): Response {
  const message = `Content type not allowed from a web page: ${type}; use application/json`;
  return jsonError(415, { code: INVALID_REQUEST, message });
}

/** `scheme://host[:port]`, scheme and host in lower case, port as written; `undefined` for anything else. */
function normaliseOrigin(origin: string): string | undefined {
  // Two Origin headers arrive joined by a comma, which no origin contains: they never match.
  const parts = /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]+\]|[^\s/?#@:,[\]]+)(:\d+)?$/i.exec(origin);
  if (parts === null) return undefined;
  const [, scheme = '', host = '', port = ''] = parts;
  return `${scheme.toLowerCase()}://${host.toLowerCase()}${port}`;
}

function defaultOrigins(port: number): string[] {
  return port > 0 ? LOOPBACK_NAMES.map((name) => `http://${name}:${port}`) : [];
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'] as const;

/** This machine as containers call it, the Inspector's among them; no name that anyone can register. */
const FROM_CONTAINERS = 'host.docker.internal';

/** With our port or with none, and whatever the allowed origins name as host. */
function allowedHosts(port: number, origins: readonly string[]): ReadonlySet<string> {
  const own = [...LOOPBACK_NAMES, FROM_CONTAINERS].flatMap((name) => [name, `${name}:${port}`]);
  const named = origins.flatMap((origin) => {
    const host = normaliseOrigin(origin)?.split('://')[1];
    return host === undefined
      ? []
      : [host, host.replace(/:\d+$/, ''), `${host.replace(/:\d+$/, '')}:${port}`];
  });
  return new Set([...own, ...named]);
}
