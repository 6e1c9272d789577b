import { hasCode } from '../../errors/index.ts';
import { createGroupStore, type Group } from '../../groups/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { emptyAnswer, jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { CreatedGroup, CreateGroup, GroupEntry, GroupList } from '../schemas/groups.ts';
import type { Api, RouteOptions } from '../types.ts';
import { checkGroupName, queryOf } from './query.ts';

/** Adds the routes that list, show, create and remove groups (spec 10 §12). */
export function addGroupRoutes(api: Api, { workloads, paths, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  const groups = createGroupStore(paths.state);
  const path = { name: 'Name of the group' };

  api.get(
    '/api/v1beta/groups',
    describe({
      tag: 'groups',
      summary: 'List groups, sorted by name',
      answers: { 200: { json: GroupList, description: 'OK' } },
    }),
    limit,
    async () => jsonAnswer({ groups: (await groups.list()).map(toEntry) }),
  );

  api.post(
    '/api/v1beta/groups',
    describe({
      tag: 'groups',
      summary: 'Create a group',
      body: CreateGroup,
      answers: {
        201: { json: CreatedGroup, description: 'Created' },
        400: 'The name is not valid',
        409: 'The group already exists',
        413: 'The body is too long',
      },
    }),
    limit,
    async (c) => {
      const { name } = await readJson(c, CreateGroup, 'invalid request body');
      await groups.create(name);
      return jsonAnswer({ name }, 201);
    },
  );

  api.get(
    '/api/v1beta/groups/:name',
    describe({
      tag: 'groups',
      summary: 'Get a group',
      path,
      answers: {
        200: { json: GroupEntry, description: 'OK' },
        400: 'The name is not valid',
        404: 'There is no such group',
      },
    }),
    limit,
    async (c) => {
      const name = c.req.param('name');
      checkGroupName(name);
      const group = await groups.find(name);
      return group === undefined ? textAnswer(404, `group not found: ${name}`) : jsonAnswer(toEntry(group));
    },
  );

  api.delete(
    '/api/v1beta/groups/:name',
    describe({
      tag: 'groups',
      summary: 'Delete a group',
      description: 'Its workloads move to the group `default`, or are deleted first.',
      path,
      query: { 'with-workloads': { description: 'Delete its workloads too', schema: { type: 'boolean' } } },
      answers: {
        204: { empty: true, description: 'Deleted' },
        400: 'The name is not valid, or it is the default group',
        404: 'There is no such group',
      },
    }),
    limit,
    async (c) => {
      const name = c.req.param('name');
      if (name.toLowerCase() !== 'default') checkGroupName(name);
      const withWorkloads = queryOf(c, 'with-workloads') === 'true';
      try {
        const outcomes = await workloads.deleteGroup(name, { withWorkloads, signal: c.var.signal });
        const failed = outcomes.filter(({ result }) => result === 'failed');
        if (failed.length === 0) return emptyAnswer(204);
        for (const outcome of failed)
          logger.error('group not deleted because of a workload', { group: name, ...outcome });
        return textAnswer(500, 'Internal Server Error');
      } catch (error) {
        if (hasCode(error, 'ERR_GROUP_NOT_FOUND')) return textAnswer(404, 'group not found');
        throw error;
      }
    },
  );
}

function toEntry({ name, clients }: Group) {
  return { name, registered_clients: [...clients] };
}
