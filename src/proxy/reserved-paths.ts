import { textError } from './respond.ts';
import type { Endpoint } from './types.ts';

interface ReservedFacts {
  readonly transportLabel: string;
  /** RFC 9728 metadata of a workload that an identity provider stands in front of. */
  readonly metadata: ((request: Request) => Response) | undefined;
}

/**
 * Paths that are answered outside the middleware chain and never reach the server behind us (spec 04 §2.1);
 * `undefined` for all others.
 */
export function answerReserved(
  request: Request,
  path: string,
  endpoint: Endpoint,
  { transportLabel, metadata }: ReservedFacts,
): Response | Promise<Response> | undefined {
  if (path === '/health') {
    return request.method === 'GET'
      ? answerHealth(endpoint, transportLabel)
      : textError(405, 'Method not allowed');
  }
  if (path === '/metrics') {
    return textError(
      404,
      '/metrics is not served on this port. Enable it with --otel-enable-prometheus-metrics-path.',
    );
  }
  if (path === '/.well-known' || path.startsWith('/.well-known/')) {
    if (metadata !== undefined && isMetadata(path)) return metadata(request);
    return new Response('{"error":"not_found"}', {
      status: 404,
      headers: { 'Content-Type': 'application/json' },
    });
  }
  return undefined;
}

/** RFC 9728; what comes behind the path names the resource, and there is only one. */
function isMetadata(path: string): boolean {
  return path === RESOURCE_METADATA || path.startsWith(`${RESOURCE_METADATA}/`);
}

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** Spec 04 §9.1: degraded is still 200, and nothing tells the version. */
async function answerHealth(endpoint: Endpoint, transport: string): Promise<Response> {
  const health = await endpoint.health();
  const mcp = health && {
    available: health.available,
    response_time_ms: health.responseTimeMs,
    last_checked: health.checkedAt.toISOString(),
    error: health.error,
  };
  const status = health === undefined || health.available ? 'healthy' : 'degraded';
  const body = JSON.stringify({ status, timestamp: new Date().toISOString(), transport, mcp });
  return new Response(`${body}\n`, { headers: { 'Content-Type': 'application/json' } });
}
