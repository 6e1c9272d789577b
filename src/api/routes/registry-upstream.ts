import type { Context } from 'hono';
import { hasCode } from '../../errors/index.ts';
import { toServer } from '../../registry/index.ts';
import { describe } from '../docs/describe.ts';
import { isAbort } from '../pipeline/failures.ts';
import { jsonAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { RegistryError, UpstreamServer, UpstreamServers } from '../schemas/registry.ts';
import type { Api, RouteOptions } from '../types.ts';
import { queryOf } from './query.ts';
import { failure, registryError } from './registry-answers.ts';

const USUAL_LIMIT = 50;
const LARGEST_LIMIT = 200;

const errors = {
  500: { json: RegistryError, description: 'Internal error' },
  502: { json: RegistryError, description: 'The registry sent an unreadable answer' },
  503: { json: RegistryError, description: 'The registry cannot be reached, or requires a login' },
};

/** The registry as the upstream registry API shows it, under any name (spec 10 §17). */
export function addUpstreamRegistryRoutes(api: Api, { workloads, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);

  api.get(
    '/registry/:registryName/v0.1/servers',
    describe({
      tag: 'registry-servers',
      summary: 'List servers, one page at a time',
      path: { registryName: 'Any name' },
      query: {
        q: { description: 'Part of a name or description; case does not matter' },
        page: { description: 'Page number; the first is 1', schema: { type: 'integer' } },
        limit: { description: 'Servers per page; at most 200, default 50', schema: { type: 'integer' } },
      },
      answers: { 200: { json: UpstreamServers, description: 'OK' }, ...errors },
    }),
    limit,
    async (c) => {
      try {
        const { entries } = await (await workloads.registry()).list({ signal: c.var.signal });
        const wanted = (queryOf(c, 'q') ?? '').toLowerCase();
        const found = entries
          .filter(({ name, description }) => `${name}\n${description}`.toLowerCase().includes(wanted))
          .map(toServer)
          .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
        const { page, size } = pagination(c);
        return jsonAnswer({
          servers: found.slice((page - 1) * size, page * size),
          metadata: { total: found.length, page, limit: size },
        });
      } catch (error) {
        return orInternal(error, 'Failed to list servers');
      }
    },
  );

  api.get(
    '/registry/:registryName/v0.1/servers/:serverName/versions/latest',
    describe({
      tag: 'registry-servers',
      summary: 'Get the latest version of a server',
      path: { registryName: 'Any name', serverName: 'Full name, percent-encoded' },
      answers: {
        200: { json: UpstreamServer, description: 'OK' },
        400: { json: RegistryError, description: 'The name is not percent-encoded correctly' },
        404: { json: RegistryError, description: 'There is no such server' },
        ...errors,
      },
    }),
    limit,
    async (c) => {
      const name = c.req.param('serverName');
      if (/%(?![0-9a-f]{2})/i.test(rawSegment(c.req.url, 5)))
        return failure(400, 'bad_request', 'Invalid server name encoding');
      try {
        return jsonAnswer(toServer(await (await workloads.registry()).find(name, { signal: c.var.signal })));
      } catch (error) {
        if (hasCode(error, 'ERR_SERVER_NOT_FOUND') || hasCode(error, 'ERR_SERVER_AMBIGUOUS'))
          return failure(404, 'not_found', 'Server not found');
        return orInternal(error, 'Failed to get server');
      }
    },
  );

  function orInternal(error: unknown, message: string): Response {
    const known = registryError(error);
    if (known !== undefined) return known;
    if (isAbort(error)) throw error;
    logger.error('registry not read', { error });
    return failure(500, 'internal_error', message);
  }
}

/** Whatever is no number above 0 means the default. */
function pagination(c: Context): { readonly page: number; readonly size: number } {
  const read = (name: string, otherwise: number) => {
    const text = queryOf(c, name) ?? '';
    return /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : otherwise;
  };
  return { page: read('page', 1), size: Math.min(read('limit', USUAL_LIMIT), LARGEST_LIMIT) };
}

function rawSegment(url: string, index: number): string {
  return new URL(url).pathname.split('/')[index] ?? '';
}
