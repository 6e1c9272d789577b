import { createTokenStore, issueToken, tokenToJson } from '../../tokens/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { emptyAnswer, jsonAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { AccessTokenList, CreateAccessToken, CreatedAccessToken } from '../schemas/tokens.ts';
import type { Api, RouteOptions } from '../types.ts';

/** Adds the routes that list, make and revoke access tokens of workloads, an addition to the reference. */
export function addTokenRoutes(api: Api, { workloads, paths }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  const store = createTokenStore(paths.state);

  api.get(
    '/api/v1beta/tokens',
    describe({
      tag: 'tokens',
      summary: 'List access tokens',
      answers: { 200: { json: AccessTokenList, description: 'OK' } },
    }),
    limit,
    async () => jsonAnswer({ tokens: (await store.list()).map((record) => tokenToJson(record)) }),
  );

  api.post(
    '/api/v1beta/tokens',
    describe({
      tag: 'tokens',
      summary: 'Make an access token',
      description: 'The answer holds the token, which is kept nowhere.',
      body: CreateAccessToken,
      answers: {
        201: { json: CreatedAccessToken, description: 'Created' },
        400: 'A value is not valid',
        404: 'There is no such workload',
        409: 'A token of that name exists',
        413: 'The body is too long',
      },
    }),
    limit,
    async (c) => {
      const wanted = await readJson(c, CreateAccessToken, 'invalid request body');
      const { token, record } = await issueToken(
        store,
        wanted,
        async (name) => (await workloads.config(name)).require_token === true,
      );
      return jsonAnswer({ ...tokenToJson(record), token }, 201);
    },
  );

  api.delete(
    '/api/v1beta/tokens/:name',
    describe({
      tag: 'tokens',
      summary: 'Revoke an access token',
      path: { name: 'Name of the token' },
      answers: { 204: { empty: true, description: 'Revoked' }, 404: 'There is no such token' },
    }),
    limit,
    async (c) => {
      await store.revoke(c.req.param('name'));
      return emptyAnswer(204);
    },
  );
}
