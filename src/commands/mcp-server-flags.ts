import * as v from 'valibot';
import { formatFlag, type Invocation } from '../cli/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { formatDuration, sleep } from '../platform/index.ts';

export const serverFlags = {
  server: {
    kind: 'string',
    help: 'MCP server: URL or name of a workload',
    required: true,
    schema: v.optional(v.string(), ''),
  },
  format: formatFlag(['json', 'text'], 'text'),
  timeout: {
    kind: 'duration',
    help: 'Time limit of the whole operation',
    schema: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (ms) => ms > 0,
          ({ input }) => `invalid value for --timeout: ${formatDuration(input)} (must be more than 0)`,
        ),
      ),
      30_000,
    ),
  },
  transport: {
    kind: 'string',
    help: 'Transport to reach the server by (auto, sse, streamable-http)',
    schema: v.optional(v.string(), 'auto'),
  },
} as const;

const POLL_MS = 100;

type Asking = Pick<Invocation, 'openWorkloads' | 'signal'> & {
  readonly options: { readonly timeout: number };
};

/**
 * URL of the server a person named: as it is, or that of a running workload (spec 01 §6.1). One that is starting is waited for,
 * within the command's time limit.
 */
export async function findServerUrl(server: string, asking: Asking): Promise<URL> {
  if (/^https?:\/\//i.test(server)) {
    if (URL.canParse(server)) return new URL(server);
    throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid server URL: ${server}` });
  }
  try {
    const { status, url } = await settledWorkload(server, asking);
    if (status === 'running' && url !== '') return new URL(url);
    const reason =
      status === 'running'
        ? // a container of another user, or a document that cannot be read
          `server '${server}' does not have connection details`
        : `server '${server}' is not running (status: ${status})`;
    const hint =
      status === 'starting' ? `see 'thv status ${server}'` : `start it with 'thv start ${server} --wait'`;
    throw new ThvError('ERR_INPUT_INVALID', { reason }, status === 'running' ? {} : { hint });
  } catch (error) {
    if (!hasCode(error, 'ERR_WORKLOAD_NOT_FOUND')) throw error;
    const reason = `server '${server}' not found in running workloads. Please ensure the server is running or provide a valid URL`;
    throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
  }
}

/** As it is when it is no longer starting, or when the time is up. */
async function settledWorkload(server: string, { openWorkloads, signal, options }: Asking) {
  const workloads = await openWorkloads();
  const deadline = performance.now() + options.timeout;
  for (;;) {
    const workload = await workloads.get(server, { signal });
    if (workload.status !== 'starting' || performance.now() >= deadline) return workload;
    await sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}
