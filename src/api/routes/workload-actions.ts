import type { Context } from 'hono';
import type * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { parseWorkloadName } from '../../records/index.ts';
import type { Outcome, WorkloadManager } from '../../workloads/index.ts';
import { describe } from '../docs/describe.ts';
import { readJson } from '../pipeline/body.ts';
import { emptyAnswer, jsonAnswer } from '../pipeline/respond.ts';
import { type ApiVariables, timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import { BulkAccepted, BulkOperation } from '../schemas/workload.ts';
import type { Api, RouteOptions } from '../types.ts';
import { checkGroupName } from './query.ts';

/** Limit for the action on one workload, which goes on after the answer (spec 10 §11.7). */
const ACTION_TIMEOUT_MS = 5 * 60_000;

type Action = (workloads: WorkloadManager, name: string) => Promise<readonly Outcome[]>;

const deadline = () => AbortSignal.timeout(ACTION_TIMEOUT_MS);
const ACTIONS = {
  stop: (workloads, name) => workloads.stop([name], { signal: deadline() }),
  restart: async (workloads, name) => [await workloads.restart(name, { signal: deadline() })],
  delete: (workloads, name) => workloads.remove([name], { keepLogs: false, signal: deadline() }),
} as const satisfies Record<string, Action>;

/** Stop, restart and delete, one and many: accepted at once, done behind the answer (spec 10 §11.7, §11.8). */
export function addWorkloadActionRoutes(api: Api, { workloads, background, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);

  for (const [verb, action] of Object.entries(ACTIONS)) {
    api.post(
      `/api/v1beta/workloads/${verb}`,
      describe({
        tag: 'workloads',
        summary: `${capital(verb)} several workloads`,
        description: 'Workloads are selected by name or by group. When one fails, the others go on.',
        body: BulkOperation,
        answers: {
          202: { json: BulkAccepted, description: 'Accepted' },
          400: 'Invalid request',
          413: 'The body is too long',
        },
      }),
      limit,
      async (c) => {
        const body = await readJson(c, BulkOperation, 'failed to decode request');
        const names = await selectNames(workloads, body, c.var.signal);
        const known = new Set(
          (await workloads.list({ all: true }, { signal: c.var.signal })).map(({ name }) => name),
        );
        for (const name of names) start(verb, action, name);
        return jsonAnswer(
          {
            accepted: names.filter((name) => known.has(name)),
            unknown: names.filter((name) => !known.has(name)),
          },
          202,
        );
      },
    );
  }

  const one = (verb: keyof typeof ACTIONS) => async (c: Context<ApiVariables>) => {
    const { name } = await workloads.get(c.req.param('name') ?? '', { signal: c.var.signal });
    start(verb, ACTIONS[verb], name);
    return emptyAnswer(202);
  };
  const document = (verb: string) =>
    describe({
      tag: 'workloads',
      summary: `${capital(verb)} a workload`,
      path: { name: 'Name of the workload' },
      answers: {
        202: { empty: true, description: 'Accepted; the status of the workload shows the outcome' },
        400: 'The name is not valid',
        404: 'There is no such workload',
      },
    });
  api.post('/api/v1beta/workloads/:name/stop', document('stop'), limit, one('stop'));
  api.post('/api/v1beta/workloads/:name/restart', document('restart'), limit, one('restart'));
  api.delete('/api/v1beta/workloads/:name', document('delete'), limit, one('delete'));

  function start(verb: string, action: Action, name: string): void {
    background.run(`${verb} of ${name}`, async () => {
      for (const outcome of await action(workloads, name)) reportFailure(logger, verb, outcome);
    });
  }
}

function reportFailure(logger: Logger, verb: string, outcome: Outcome): void {
  if (outcome.result === 'failed')
    logger.error('workload operation failed', {
      operation: verb,
      workload: outcome.name,
      error: outcome.error,
    });
}

/** Checked altogether before anything happens. Throws `ERR_INPUT_INVALID`, `ERR_WORKLOAD_NAME_INVALID`. */
async function selectNames(
  workloads: WorkloadManager,
  { names, group }: v.InferOutput<typeof BulkOperation>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const refuse = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason });
  if (names.length > 0 && group !== '') throw refuse('cannot specify both names and group');
  if (names.length > 0) return [...new Set(names.map(parseWorkloadName))];
  if (group === '') throw refuse('must specify either names or group');
  checkGroupName(group);
  if (!(await workloads.groupExists(group))) throw refuse(`group '${group}' does not exist`);
  return (await workloads.list({ all: true, group }, { signal })).map(({ name }) => name);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
