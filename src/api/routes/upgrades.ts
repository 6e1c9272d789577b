import { hasCode, toThvError } from '../../errors/index.ts';
import { findSecretParameter } from '../../records/index.ts';
import { describe } from '../docs/describe.ts';
import { readOptionalJson } from '../pipeline/body.ts';
import { jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { PULL_LIMIT_MS, timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { UpgradeBody, UpgradeCheckAnswer, UpgradeChecksAnswer } from '../schemas/upgrade.ts';
import type { Api, RouteOptions } from '../types.ts';
import { checkGroupName, queryOf } from './query.ts';
import { silentProgress } from './workloads.ts';

/** Newer images of the registry (spec 10 §11.10). */
export function addUpgradeRoutes(api: Api, { workloads, logger }: RouteOptions): void {
  /** Skips malformed texts and takes the rest. */
  const secretsOf = (texts: readonly string[]) =>
    texts.flatMap((text) => {
      const parameter = findSecretParameter(text);
      if (parameter === undefined) logger.warn('ignoring a malformed secret parameter');
      return parameter ?? [];
    });
  const limit = timeLimit(USUAL_LIMIT_MS);
  const path = { name: 'Name of the workload' };

  api.get(
    '/api/v1beta/workloads/upgrade-check',
    describe({
      tag: 'workloads',
      summary: 'List the workloads for which the registry has a newer image',
      query: {
        all: { description: 'Include stopped workloads', schema: { type: 'boolean' } },
        group: { description: 'Only workloads of this group' },
      },
      answers: {
        200: { json: UpgradeChecksAnswer, description: 'OK' },
        400: 'Invalid group name',
        404: 'There is no such group',
      },
    }),
    limit,
    async (c) => {
      const group = queryOf(c, 'group');
      if (group !== undefined) {
        checkGroupName(group);
        if (!(await workloads.groupExists(group))) return textAnswer(404, `group not found: ${group}`);
      }
      const query = { all: queryOf(c, 'all') === 'true', group };
      return jsonAnswer({ results: await workloads.checkUpgrades(query, { signal: c.var.signal }) });
    },
  );

  api.get(
    '/api/v1beta/workloads/:name/upgrade-check',
    describe({
      tag: 'workloads',
      summary: 'Check whether the registry has a newer image for a workload',
      path,
      answers: {
        200: { json: UpgradeCheckAnswer, description: 'OK' },
        400: 'The name is not valid',
        404: 'There is no such workload',
      },
    }),
    limit,
    async (c) => {
      const { name } = await workloads.get(c.req.param('name'), { signal: c.var.signal });
      return jsonAnswer({ result: await workloads.checkUpgrade(name, { signal: c.var.signal }) });
    },
  );

  api.post(
    '/api/v1beta/workloads/:name/upgrade',
    describe({
      tag: 'workloads',
      summary: 'Upgrade a workload to the image that the registry has now',
      description: 'Answers when the workload runs with the new image, or when there was nothing to do.',
      path,
      body: UpgradeBody,
      answers: {
        200: { json: UpgradeCheckAnswer, description: 'Done' },
        400: 'Invalid request',
        404: 'There is no such workload',
        413: 'The body is too long',
        422: 'The upgrade could not be prepared; the workload is unchanged',
      },
    }),
    timeLimit(PULL_LIMIT_MS),
    async (c) => {
      const { signal } = c.var;
      const body = await readOptionalJson(c, UpgradeBody, 'failed to decode request');
      const { name } = await workloads.get(c.req.param('name'), { signal });
      const request = { environment: body.env, secrets: secretsOf(body.secrets) };
      try {
        return jsonAnswer({
          result: await workloads.applyUpgrade(name, request, { signal, progress: silentProgress }),
        });
      } catch (thrown) {
        const error = toThvError(thrown);
        if (error.status === 503 || error.status === 500) throw error;
        logger.error('workload not upgraded', { workload: name, error });
        if (hasCode(error, 'ERR_WORKLOAD_START_FAILED')) return textAnswer(500, 'Internal Server Error');
        return textAnswer(422, `failed to apply upgrade for workload "${name}"`);
      }
    },
  );
}
