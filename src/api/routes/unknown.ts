import type { Context } from 'hono';
import { textAnswer } from '../pipeline/respond.ts';
import type { Api } from '../types.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** A known path in another method is 405 with what is allowed; everything else is 404 (spec 10 §6.3). */
export function answerUnknown(api: Api): void {
  api.notFound((c: Context) => {
    const allowed = METHODS.filter((method) => isRouted(api, method, c.req.path));
    if (allowed.length === 0) return textAnswer(404, '404 page not found');
    const headers = new Headers();
    for (const method of allowed) headers.append('Allow', method);
    return new Response(null, { status: 405, headers });
  });
}

function isRouted(api: Api, method: string, path: string): boolean {
  const [handlers] = api.router.match(method, path);
  // Stages of the pipeline are routed for every method; only a route of its own counts.
  return handlers.some(([[, route]]) => route.method === method);
}
