import type * as v from 'valibot';
import { createConfigStore } from '../../config/index.ts';
import { hasCode, toThvError } from '../../errors/index.ts';
import { loginToRegistry, logoutFromRegistry, setSource, unsetSource } from '../../registry/index.ts';
import { openSecretsStore } from '../../secrets/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { PULL_LIMIT_MS, timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { RegistryStatus, RegistryUpdated, UpdateRegistry } from '../schemas/registry.ts';
import type { Api, RouteOptions } from '../types.ts';
import { DEFAULT_REGISTRY, REGISTRY_NOT_FOUND } from './registry.ts';

const DEFAULT_SCOPES = ['openid', 'offline_access'];

/** Which registry is in use, and the login there (spec 10 §16.2, §16.3). */
export function addRegistryChangeRoutes(api: Api, options: RouteOptions): void {
  const { env, paths, logger, version } = options;
  const limit = timeLimit(USUAL_LIMIT_MS);

  api.post(
    '/api/v1beta/registry',
    describe({
      tag: 'registry',
      summary: 'Add a registry',
      description: 'There is exactly one registry; change it instead.',
      answers: { 501: 'A second registry cannot be added' },
    }),
    () => textAnswer(501, 'Adding custom registries is not currently supported'),
  );

  api.delete(
    '/api/v1beta/registry/:name',
    describe({
      tag: 'registry',
      summary: 'Remove a registry',
      path: { name: '`default`' },
      answers: { 400: 'The default registry cannot be removed', 404: 'There is no such registry' },
    }),
    (c) =>
      c.req.param('name') === DEFAULT_REGISTRY
        ? textAnswer(400, 'Cannot remove the default registry')
        : textAnswer(404, REGISTRY_NOT_FOUND),
  );

  api.put(
    '/api/v1beta/registry/:name',
    describe({
      tag: 'registry',
      summary: 'Use another registry',
      description:
        'The registry is tested before it is used, login included. An empty object restores the built-in catalog.',
      path: { name: '`default`' },
      body: UpdateRegistry,
      answers: {
        200: { json: RegistryUpdated, description: 'The registry is in use' },
        400: 'Invalid request',
        404: 'There is no such registry',
        413: 'The body is too long',
        502: 'The location does not hold a registry',
      },
    }),
    limit,
    async (c) => {
      if (c.req.param('name') !== DEFAULT_REGISTRY) return textAnswer(404, REGISTRY_NOT_FOUND);
      const body = await readBody(() => readJson(c, UpdateRegistry, ''));
      if (body === undefined) return textAnswer(400, 'Invalid request body');
      const given = [body.url, body.api_url, body.local_path].filter((text) => text !== '');
      const [location] = given;
      if (given.length > 1)
        return textAnswer(400, 'cannot specify more than one registry type (url, api_url, or local_path)');
      const { auth } = body;
      if (auth !== undefined && (auth.issuer === '' || auth.client_id === ''))
        return textAnswer(400, 'auth.issuer and auth.client_id are required');
      if (location === undefined) {
        // Without this, `auth` would be dropped silently and the built-in registry restored.
        if (auth !== undefined) return textAnswer(400, 'auth needs a registry: give url or api_url with it');
        await unsetSource({ paths });
        return jsonAnswer({ type: 'default' });
      }
      try {
        const { kind } = await setSource(
          { location, allowPrivateAddress: body.allow_private_ip, login: loginOf(auth) },
          { env, paths, version, signal: c.var.signal },
        );
        return jsonAnswer({ type: kind });
      } catch (error) {
        if (hasCode(error, 'ERR_REGISTRY_SOURCE_UNREACHABLE'))
          return textAnswer(504, `registry at ${location} is unreachable: ${oneLine(error.message)}`);
        if (hasCode(error, 'ERR_OAUTH')) return textAnswer(400, error.message);
        if (hasCode(error, 'ERR_REGISTRY_SOURCE_INVALID')) return textAnswer(502, oneLine(error.message));
        throw error;
      }
    },
  );

  api.post(
    '/api/v1beta/registry/auth/login',
    describe({
      tag: 'registry',
      summary: "Log in at the registry, in a browser on the server's machine",
      answers: { 200: { json: RegistryStatus, description: 'Logged in' }, 400: 'Login is not configured' },
    }),
    timeLimit(PULL_LIMIT_MS),
    async (c) => {
      const { signal } = c.var;
      const refusal = await findRefusal(signal);
      if (refusal !== undefined) return refusal;
      try {
        const announce = (line: string) => logger.info('registry login', { line });
        await loginToRegistry(
          { allowPrivateAddress: false },
          { env, paths, logger, version, signal, announce },
        );
        return jsonAnswer({ status: 'authenticated' });
      } catch (error) {
        logger.error('registry login failed', { error: toThvError(error) });
        return textAnswer(500, 'Login failed');
      }
    },
  );

  api.post(
    '/api/v1beta/registry/auth/logout',
    describe({
      tag: 'registry',
      summary: 'Log out of the registry',
      answers: { 200: { json: RegistryStatus, description: 'Logged out' }, 400: 'Login is not configured' },
    }),
    limit,
    async (c) => {
      const { signal } = c.var;
      const refusal = await findRefusal(signal);
      if (refusal !== undefined) return refusal;
      try {
        await logoutFromRegistry({ env, paths, logger, signal });
        return jsonAnswer({ status: 'logged_out' });
      } catch (error) {
        logger.error('registry logout failed', { error: toThvError(error) });
        return textAnswer(500, 'Logout failed');
      }
    },
  );

  /** What is missing for a login, in this order (spec 10 §16.3). */
  async function findRefusal(signal: AbortSignal): Promise<Response | undefined> {
    try {
      await openSecretsStore({ env, paths, logger, signal });
    } catch (error) {
      logger.error('secrets provider not opened', { error: toThvError(error) });
      return textAnswer(500, 'Failed to create secrets provider');
    }
    const oauth = (await createConfigStore(paths).read()).registry_auth?.oauth;
    if (oauth?.issuer && oauth.client_id) return undefined;
    return textAnswer(
      400,
      'Registry OAuth not configured; call PUT /api/v1beta/registry/default with a client ID and issuer URL first',
    );
  }
}

function loginOf(auth: v.InferOutput<typeof UpdateRegistry>['auth']) {
  if (auth === undefined) return undefined;
  return {
    issuer: auth.issuer,
    clientId: auth.client_id,
    audience: auth.audience,
    scopes: auth.scopes.length === 0 ? DEFAULT_SCOPES : auth.scopes,
  };
}

/** This route says no more than that the body is wrong (spec 10 §16.2). */
async function readBody<Body>(read: () => Promise<Body>): Promise<Body | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'ERR_INPUT_INVALID')) return undefined;
    throw error;
  }
}

/** What the command line says on several lines, and of a flag that is a member here. */
function oneLine(text: string): string {
  return text.replace(/\.?\s*\n\s*/g, '. ').replace('--allow-private-ip', 'allow_private_ip');
}
