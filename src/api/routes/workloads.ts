import { hasCode, ThvError, toThvError } from '../../errors/index.ts';
import { type WorkloadManager, workloadToJson } from '../../workloads/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { PULL_LIMIT_MS, timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { CreatedWorkload, WorkloadList } from '../schemas/workload.ts';
import { CreateRequest, UpdateRequest, WorkloadDetails } from '../schemas/workload-request.ts';
import type { Api, RouteOptions } from '../types.ts';
import { toDetails } from '../workload-details.ts';
import { checkSourceAndName, inRequestContext, toRunRequest } from '../workload-request.ts';
import { checkGroupName, queryOf } from './query.ts';
import { DEFAULT_REGISTRY } from './registry.ts';

/** The API shows no progress of a pull; the result is in the answer. */
export const silentProgress = { line() {}, update() {}, output() {}, revealOutput() {} };

/** List, create, details, edit (spec 10 §11.3–§11.6). */
export function addWorkloadRoutes(api: Api, { workloads, background, debug = false }: RouteOptions): void {
  const usual = timeLimit(USUAL_LIMIT_MS);
  const pulling = timeLimit(PULL_LIMIT_MS);
  const nameInPath = { name: 'Name of the workload' };

  api.get(
    '/api/v1beta/workloads',
    describe({
      tag: 'workloads',
      summary: 'List workloads, sorted by name',
      query: {
        all: { description: 'Include stopped workloads', schema: { type: 'boolean' } },
        group: { description: 'Only workloads of this group' },
      },
      answers: {
        200: { json: WorkloadList, description: 'OK' },
        400: 'Invalid group name',
        404: 'There is no such group',
      },
    }),
    usual,
    async (c) => {
      const group = queryOf(c, 'group');
      if (group !== undefined) {
        checkGroupName(group);
        if (!(await workloads.groupExists(group))) return textAnswer(404, `group not found: ${group}`);
      }
      const all = queryOf(c, 'all') === 'true';
      const found = await workloads.list({ all, group }, { signal: c.var.signal });
      return jsonAnswer({ workloads: found.map(workloadToJson) });
    },
  );

  api.post(
    '/api/v1beta/workloads',
    describe({
      tag: 'workloads',
      summary: 'Create a workload and start it',
      description: 'Answers when the workload host has accepted the workload; its status shows when it runs.',
      body: CreateRequest,
      answers: {
        201: { json: CreatedWorkload, description: 'Created' },
        400: 'Invalid request',
        404: 'There is no such image or registry entry',
        409: 'The name is taken',
        413: 'The body is too long',
        502: 'The container engine or a registry refused',
      },
    }),
    pulling,
    async (c) => {
      const body = await readJson(c, CreateRequest, 'failed to decode request');
      const name = checkSourceAndName(body);
      try {
        if (body.group !== '' && !(await workloads.groupExists(body.group)))
          throw new ThvError('ERR_GROUP_NOT_FOUND', { group: body.group });
        const source = body.server === '' ? body.image : await entryName(workloads, body, c.var.signal);
        const request = toRunRequest({ ...body, image: source }, { name, debug, runtime: body.runtime });
        const result = await workloads.run(request, { signal: c.var.signal, progress: silentProgress });
        return jsonAnswer({ name: result.name, port: result.port }, 201);
      } catch (error) {
        // A taken name counts before whatever else is wrong (spec 10 §11.4).
        const isTaken = hasCode(error, 'ERR_WORKLOAD_EXISTS') || (await isNameTaken(name));
        if (isTaken) return textAnswer(409, `workload with name ${name} already exists`);
        throw inRequestContext(error);
      }
    },
  );

  async function isNameTaken(name: string): Promise<boolean> {
    try {
      return (await workloads.get(name)).status !== 'error';
    } catch {
      return false; // not there, or nobody can tell: then the first error is the one to report
    }
  }

  api.get(
    '/api/v1beta/workloads/:name',
    describe({
      tag: 'workloads',
      summary: 'Get the stored configuration of a workload',
      description: 'The answer has the shape of a request, so it can be changed and sent to `/edit`.',
      path: nameInPath,
      answers: {
        200: { json: WorkloadDetails, description: 'OK' },
        400: 'The name is not valid',
        404: 'There is no such workload, or it has no stored configuration',
      },
    }),
    usual,
    async (c) => {
      const name = c.req.param('name');
      try {
        return jsonAnswer(toDetails(await workloads.config(name)));
      } catch (error) {
        if (!hasCode(error, 'ERR_RUN_CONFIG_NOT_FOUND')) throw error;
        await workloads.get(name, { signal: c.var.signal }); // unknown altogether: its error is the clearer one
        return textAnswer(404, `workload configuration not found: ${name}`);
      }
    },
  );

  api.post(
    '/api/v1beta/workloads/:name/edit',
    describe({
      tag: 'workloads',
      summary: 'Change the settings of a workload',
      description:
        'Absent settings take their defaults; the port stays. The change goes on after the answer. When the workload does not start with the new settings, the old ones are restored.',
      path: nameInPath,
      body: UpdateRequest,
      answers: {
        200: { json: CreatedWorkload, description: 'Accepted' },
        400: 'Invalid request',
        404: 'There is no such workload or image',
        413: 'The body is too long',
        502: 'The container engine or a registry refused',
      },
    }),
    pulling,
    async (c) => {
      const name = c.req.param('name');
      const body = await readJson(c, UpdateRequest, 'invalid JSON');
      await workloads.get(name, { signal: c.var.signal });
      const present = await workloads.config(name);
      try {
        const request = toRunRequest(body, { name, debug, present });
        const options = { signal: c.var.signal, progress: silentProgress };
        const { port, finished } = await workloads.edit(name, request, options);
        background.run(`update of ${name}`, () => finished);
        return jsonAnswer({ name, port });
      } catch (error) {
        throw inRequestContext(error, 'failed to build workload config');
      }
    },
  );
}

/** The full name of the entry that `registry` and `server` name (spec 10 §11.4, step 5). */
async function entryName(
  workloads: WorkloadManager,
  { registry, server }: CreateRequest,
  signal: AbortSignal,
): Promise<string> {
  const resolving = 'failed to resolve server from registry';
  if (registry !== DEFAULT_REGISTRY) {
    const reason = `${resolving}: unknown registry "${registry}"; only "default" is currently supported`;
    throw new ThvError('ERR_INPUT_INVALID', { reason });
  }
  try {
    return (await (await workloads.registry()).find(server, { signal })).name;
  } catch (error) {
    const { status, message } = toThvError(error);
    if (status !== 404)
      throw new ThvError('ERR_REGISTRY_UNAVAILABLE', { reason: `${resolving}: ${message}` });
    throw new ThvError(
      'ERR_SERVER_NOT_FOUND',
      { server },
      { context: [resolving, `server "${server}" not found in registry`] },
    );
  }
}
