import { describe } from '../docs/describe.ts';
import { emptyAnswer, jsonAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { Version } from '../schemas/system.ts';
import type { Api, RouteOptions } from '../types.ts';

/** Adds `/health`, the version and the status (spec 10 §10). */
export function addSystemRoutes(api: Api, { workloads, version }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  api.get(
    '/health',
    describe({
      tag: 'system',
      summary: 'Tells whether the container engine answers',
      answers: { 204: { empty: true, description: 'The engine answers' } },
    }),
    limit,
    async (c) => {
      await workloads.ping({ signal: c.var.signal });
      return emptyAnswer(204);
    },
  );
  for (const path of ['/api/v1beta/version', '/api/v1beta/status']) {
    api.get(
      path,
      describe({
        tag: 'version',
        summary: 'Get the version of this program',
        answers: { 200: { json: Version, description: 'OK' } },
      }),
      () => jsonAnswer({ version }),
    );
  }
}
