import { createClientSettings } from '../../clients/index.ts';
import { hasCode, ThvError } from '../../errors/index.ts';
import { DEFAULT_GROUP } from '../../groups/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { emptyAnswer, jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import {
  BulkClients,
  ClientStatuses,
  CreateClient,
  CreatedClient,
  CreatedClients,
  RegisteredClients,
} from '../schemas/clients.ts';
import type { Api, RouteOptions } from '../types.ts';

const ERRORS = {
  400: 'Invalid request, or unknown client',
  404: 'There is no such group',
  409: 'The settings of a client cannot be written',
  413: 'The body is too long',
};

/** Adds the routes that list, register and remove AI clients, and that find installed ones (spec 10 §13, §14). */
export function addClientRoutes(api: Api, { workloads, env, paths, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  const clients = createClientSettings({ env, paths, logger });

  api.get(
    '/api/v1beta/clients',
    describe({
      tag: 'clients',
      summary: 'List registered clients, sorted by name',
      answers: { 200: { json: RegisteredClients, description: 'OK' } },
    }),
    limit,
    async () => {
      const registrations = await clients.registrations();
      return jsonAnswer(registrations.map(({ id, groups }) => ({ name: id, groups: [...groups] })));
    },
  );

  api.get(
    '/api/v1beta/discovery/clients',
    describe({
      tag: 'discovery',
      summary: 'List all supported clients, and which are installed here',
      answers: { 200: { json: ClientStatuses, description: 'OK' } },
    }),
    limit,
    async () => {
      const found = await clients.detect();
      return jsonAnswer({
        clients: found.map(({ id, installed, registered, supportsSkills, supportsPlugins }) => ({
          client_type: id,
          installed,
          registered,
          supports_skills: supportsSkills,
          supports_plugins: supportsPlugins,
        })),
      });
    },
  );

  api.post(
    '/api/v1beta/clients',
    describe({
      tag: 'clients',
      summary: 'Register a client for groups',
      description:
        'Without groups, the client is registered for the group `default`. Running workloads are written into its settings.',
      body: CreateClient,
      answers: { 200: { json: CreatedClient, description: 'Registered' }, ...ERRORS },
    }),
    limit,
    async (c) => {
      const { name, groups: given } = await readJson(c, CreateClient, 'invalid request body');
      const groups = given.length === 0 ? [DEFAULT_GROUP] : given;
      return answering('failed to register client(s)', async () => {
        await workloads.registerClients([name], groups, { signal: c.var.signal });
        return jsonAnswer({ name, groups });
      });
    },
  );

  api.post(
    '/api/v1beta/clients/register',
    describe({
      tag: 'clients',
      summary: 'Register several clients for groups',
      body: BulkClients,
      answers: { 200: { json: CreatedClients, description: 'Registered' }, ...ERRORS },
    }),
    limit,
    async (c) => {
      const { names, groups } = await readJson(c, BulkClients, 'invalid request body');
      if (names.length === 0) return textAnswer(400, 'at least one client name is required');
      return answering('failed to register client(s)', async () => {
        const wanted = groups.length === 0 ? [DEFAULT_GROUP] : groups;
        await workloads.registerClients(names, wanted, { signal: c.var.signal });
        return jsonAnswer(names.map((name) => ({ name })));
      });
    },
  );

  api.post(
    '/api/v1beta/clients/unregister',
    describe({
      tag: 'clients',
      summary: 'Remove several clients from groups, or from all groups',
      body: BulkClients,
      answers: { 204: { empty: true, description: 'Done' }, ...ERRORS },
    }),
    limit,
    async (c) => {
      const { names, groups } = await readJson(c, BulkClients, 'invalid request body');
      if (names.length === 0) return textAnswer(400, 'at least one client name is required');
      return answering('failed to unregister client(s)', async () => {
        await workloads.removeClients(names, groups.length === 0 ? undefined : groups);
        return emptyAnswer(204);
      });
    },
  );

  api.delete(
    '/api/v1beta/clients/:name',
    describe({
      tag: 'clients',
      summary: 'Remove a client from all groups',
      path: { name: 'Type of the client' },
      answers: { 204: { empty: true, description: 'Done' }, ...ERRORS },
    }),
    limit,
    (c) =>
      answering('failed to unregister client(s)', async () => {
        await workloads.removeClients([c.req.param('name')], undefined);
        return emptyAnswer(204);
      }),
  );

  api.delete(
    '/api/v1beta/clients/:name/groups/:group',
    describe({
      tag: 'clients',
      summary: 'Remove a client from a group',
      path: { name: 'Type of the client', group: 'Name of the group' },
      answers: { 204: { empty: true, description: 'Done' }, ...ERRORS },
    }),
    limit,
    (c) =>
      answering('failed to unregister client from group', async () => {
        await workloads.removeClients([c.req.param('name')], [c.req.param('group')]);
        return emptyAnswer(204);
      }),
  );
}

/** Errors in the words that clients of the reference look for (spec 10 §13). */
async function answering(doing: string, action: () => Promise<Response>): Promise<Response> {
  try {
    return await action();
  } catch (error) {
    if (hasCode(error, 'ERR_CLIENT_INVALID'))
      return textAnswer(400, `${doing}: unsupported client type: ${error.facts.client}`);
    if (hasCode(error, 'ERR_GROUP_NOT_FOUND'))
      return textAnswer(404, `${doing}: state '${error.facts.group}' not found`);
    throw error instanceof ThvError ? error.within(doing) : error;
  }
}
