import { sleep } from '../../platform/index.ts';
import { parseWorkloadName, WorkloadStatusSchema } from '../../records/index.ts';
import { describe } from '../docs/describe.ts';
import { jsonAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { ExportedConfig, StatusOfWorkload, WorkloadNetwork } from '../schemas/workload.ts';
import type { Api, RouteOptions } from '../types.ts';
import { awaitedStatusOf, timeoutOf } from './query.ts';

const POLL_MS = 200;
/** Beyond the longest wait, so that it ends with an answer. */
const WAIT_LIMIT_MS = USUAL_LIMIT_MS + 10_000;

/** Status and stored document of one workload (spec 10 §11.9). */
export function addWorkloadFactRoutes(api: Api, { workloads, shutdown }: RouteOptions): void {
  const path = { name: 'Name of the workload' };
  api.get(
    '/api/v1beta/workloads/:name/status',
    describe({
      tag: 'workloads',
      summary: 'Get the status of a workload',
      path,
      query: {
        wait: {
          description: 'Wait until the workload has this status, or `timeout` has passed',
          schema: { type: 'string', enum: WorkloadStatusSchema.options },
        },
        timeout: { description: 'How long to wait, for example `30s` (the default); at most `60s`' },
      },
      answers: {
        200: { json: StatusOfWorkload, description: 'OK' },
        400: 'The name or a parameter is not valid',
        404: 'There is no such workload',
      },
    }),
    timeLimit(WAIT_LIMIT_MS),
    async (c) => {
      const name = c.req.param('name');
      const { signal } = c.var;
      const wanted = awaitedStatusOf(c);
      const deadline = performance.now() + (wanted === undefined ? 0 : timeoutOf(c));
      for (;;) {
        const { status } = await workloads.get(name, { signal });
        const isOver =
          status === wanted || performance.now() >= deadline || signal.aborted || shutdown.aborted;
        if (isOver) return jsonAnswer({ status });
        await sleep(POLL_MS, signal);
      }
    },
  );

  api.get(
    '/api/v1beta/workloads/:name/network',
    describe({
      tag: 'workloads',
      summary: 'Get what the server of a workload tried to reach',
      description: 'Refused attempts are counted, each with what the permission profile lacks to allow it.',
      path,
      answers: {
        200: { json: WorkloadNetwork, description: 'OK' },
        400: 'The name is not valid',
        404: 'There is no such workload',
      },
    }),
    timeLimit(USUAL_LIMIT_MS),
    async (c) => {
      const attempts = await workloads.networkAttempts(c.req.param('name'));
      const refused = attempts.filter(({ verdict }) => verdict === 'refused');
      const refused_total = refused.reduce((sum, { count }) => sum + count, 0);
      return jsonAnswer({ refused_total, attempts });
    },
  );

  api.get(
    '/api/v1beta/workloads/:name/export',
    describe({
      tag: 'workloads',
      summary: 'Export the configuration of a workload',
      description: '`thv run --from-config` reads this document.',
      path,
      answers: {
        200: { json: ExportedConfig, description: 'OK' },
        400: 'The name is not valid',
        404: 'The workload has no stored configuration',
      },
    }),
    timeLimit(USUAL_LIMIT_MS),
    async (c) => {
      const name = parseWorkloadName(c.req.param('name'));
      const { text } = await workloads.export(name, 'json');
      return new Response(text, { headers: { 'Content-Type': 'application/json' } });
    },
  );
}
