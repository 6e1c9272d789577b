import { randomBytes } from 'node:crypto';
import { hasCode, ThvError } from '../../errors/index.ts';
import {
  isReservedName,
  openSecretsStore,
  type SecretsStore,
  setUpSecrets,
  userSecrets,
} from '../../secrets/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { emptyAnswer, jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import {
  CreateSecret,
  SecretCreated,
  SecretKeys,
  SecretsProvider,
  SecretsSetUp,
  SecretUpdated,
  SetupSecrets,
  UpdateSecret,
} from '../schemas/secrets.ts';
import type { Api, RouteOptions } from '../types.ts';

/** Those that need nothing but a password. */
const PROVIDERS = ['encrypted', '1password', 'environment'] as const;
const NOT_SET_UP = 'No secrets provider is set up';

/** Spec 10 §15. Values come in and never go out, and names are not logged. */
export function addSecretRoutes(api: Api, { env, paths, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  // Opened for each request: the file belongs to other programs as well.
  const open = async (signal: AbortSignal) =>
    userSecrets(await openSecretsStore({ env, paths, logger, signal }));
  let last: Promise<unknown> = Promise.resolve();
  /** Looking and writing are two steps, so writes take turns: when two requests create one name, the second is told that it is taken. */
  const inTurn = (write: () => Promise<Response>): Promise<Response> => {
    const written = last.then(write);
    last = written.catch(() => undefined); // the request that asked for it reports the failure
    return written;
  };

  api.post(
    '/api/v1beta/secrets',
    describe({
      tag: 'secrets',
      summary: 'Set up the secrets provider',
      description:
        'The provider is tested before it is used. Without a password, one is generated for `encrypted`.',
      body: SetupSecrets,
      answers: {
        201: { json: SecretsSetUp, description: 'Set up' },
        400: 'Unknown provider, or one that cannot be used here',
        413: 'The body is too long',
        502: 'The service behind the provider failed',
      },
    }),
    limit,
    async (c) => {
      const body = await readJson(c, SetupSecrets, 'invalid request body');
      const type = PROVIDERS.find((known) => known === body.provider_type);
      if (body.provider_type === '') return textAnswer(400, 'provider type cannot be empty');
      if (type === undefined)
        throw new ThvError('ERR_SECRETS_PROVIDER_INVALID', {
          provider: body.provider_type,
          valid: PROVIDERS,
        });
      const password = body.password || randomBytes(32).toString('base64url');
      const { signal } = c.var;
      const { wasSetUp } = await setUpSecrets({ type, password, env, paths, logger, signal });
      const message = `Secrets provider ${wasSetUp ? 'reconfigured' : 'setup'} successfully`;
      return jsonAnswer({ provider_type: type, message }, 201);
    },
  );

  api.get(
    '/api/v1beta/secrets/default',
    describe({
      tag: 'secrets',
      summary: 'Get the secrets provider and its capabilities',
      answers: { 200: { json: SecretsProvider, description: 'OK' }, 404: NOT_SET_UP },
    }),
    limit,
    async (c) => {
      const { type, capabilities } = await open(c.var.signal);
      return jsonAnswer({
        name: 'default',
        provider_type: type,
        capabilities: {
          can_read: capabilities.canRead,
          can_write: capabilities.canWrite,
          can_delete: capabilities.canDelete,
          can_list: capabilities.canList,
          can_cleanup: capabilities.canCleanup,
        },
      });
    },
  );

  api.get(
    '/api/v1beta/secrets/default/keys',
    describe({
      tag: 'secrets',
      summary: 'List the names of the secrets',
      answers: {
        200: { json: SecretKeys, description: 'OK' },
        404: NOT_SET_UP,
        405: 'The provider cannot list',
      },
    }),
    limit,
    async (c) => {
      const store = await open(c.var.signal);
      if (!store.capabilities.canList) return cannot('listing keys');
      return jsonAnswer({ keys: await store.list() });
    },
  );

  api.post(
    '/api/v1beta/secrets/default/keys',
    describe({
      tag: 'secrets',
      summary: 'Create a secret',
      body: CreateSecret,
      answers: {
        201: { json: SecretCreated, description: 'Created' },
        400: 'Invalid request, or the name is reserved',
        404: NOT_SET_UP,
        405: 'The provider cannot write',
        409: 'The secret already exists',
        413: 'The body is too long',
      },
    }),
    limit,
    async (c) => {
      const { key, value } = await readJson(c, CreateSecret, 'invalid request body');
      if (key === '' || value === '') return textAnswer(400, "both 'key' and 'value' are required");
      const store = await open(c.var.signal);
      if (!store.capabilities.canWrite) return cannot('creating secrets');
      return inTurn(async () => {
        if (await isStored(store, key)) return textAnswer(409, 'secret already exists');
        await store.set(key, value);
        return jsonAnswer({ key, message: 'Secret created successfully' }, 201);
      });
    },
  );

  api.put(
    '/api/v1beta/secrets/default/keys/:key',
    describe({
      tag: 'secrets',
      summary: 'Update a secret',
      path: { key: 'Name of the secret' },
      body: UpdateSecret,
      answers: {
        200: { json: SecretUpdated, description: 'Updated' },
        400: 'Invalid request, or the name is reserved',
        404: 'There is no such secret, or no provider is set up',
        405: 'The provider cannot write',
        413: 'The body is too long',
      },
    }),
    limit,
    async (c) => {
      const key = c.req.param('key');
      const { value } = await readJson(c, UpdateSecret, 'invalid request body');
      if (value === '') return textAnswer(400, 'value is required');
      const store = await open(c.var.signal);
      if (!store.capabilities.canWrite) return cannot('updating secrets');
      return inTurn(async () => {
        if (!(await isStored(store, key))) return textAnswer(404, 'secret not found');
        await store.set(key, value);
        return jsonAnswer({ key, message: 'Secret updated successfully' });
      });
    },
  );

  api.delete(
    '/api/v1beta/secrets/default/keys/:key',
    describe({
      tag: 'secrets',
      summary: 'Delete a secret',
      path: { key: 'Name of the secret' },
      answers: {
        204: { empty: true, description: 'Deleted' },
        400: 'The name is reserved',
        404: 'There is no such secret, or no provider is set up',
        405: 'The provider cannot delete',
      },
    }),
    limit,
    async (c) => {
      const store = await open(c.var.signal);
      if (!store.capabilities.canDelete) return cannot('deleting secrets');
      try {
        await store.delete(c.req.param('key'));
      } catch (error) {
        if (hasCode(error, 'ERR_SECRET_NOT_FOUND')) return textAnswer(404, 'secret not found');
        throw error;
      }
      return emptyAnswer(204);
    },
  );
}

function cannot(what: string): Response {
  return textAnswer(405, `secrets provider does not support ${what}`);
}

/** In the store itself: what only the environment holds is never written (spec 09 §5.7). Throws `ERR_SECRET_NAME_RESERVED`. */
async function isStored(store: SecretsStore, key: string): Promise<boolean> {
  if (isReservedName(key)) throw new ThvError('ERR_SECRET_NAME_RESERVED', { secret: key, operation: 'set' });
  return (await store.list()).some((entry) => entry.key === key);
}
