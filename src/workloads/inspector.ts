import { randomBytes } from 'node:crypto';
import { hasCode, messageOf, ThvError } from '../errors/index.ts';
import { isLoopbackHost } from '../net/index.ts';
import { isPortAvailable, sleep } from '../platform/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { Auxiliary, AuxiliaryProgram } from '../runtimes/index.ts';
import { bestEffort, type Context } from './context.ts';
import { getWorkload } from './list.ts';
import type { InspectRequest, OperationOptions, Progress, Workload } from './types.ts';

/** Pinned; `TOOLHIVE_INSPECTOR_IMAGE` names another one, for machines that cannot reach this registry. */
const IMAGE = 'ghcr.io/modelcontextprotocol/inspector:0.21.2';
const NAME = 'inspector';
/** Port where the page looks for its proxy unless it is given another. */
const USUAL_PROXY_PORT = 6277;
const POLL_MS = 500;
const GIVE_UP_MS = 5 * 60 * 1000;

type InspectOptions = OperationOptions & { readonly progress: Progress };

/** `thv inspector NAME` (spec 09 §8): the Inspector in a container of its own, pointed at the workload. Gives its URL. */
export async function inspectWorkload(
  context: Context,
  name: string,
  request: InspectRequest,
  options: InspectOptions,
): Promise<string> {
  const { signal } = options;
  const workload = await findTarget(context, name, options);
  if ((await context.runConfigs.names()).includes(NAME))
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: NAME });
  const inspector = await context.runtimes.openAuxiliary(NAME, { signal });
  await inspector.requireFree();
  await refuseBusyPorts(request);
  const token = randomBytes(32).toString('hex');
  await inspector.start(programOf(context, token, request), options);
  try {
    await untilServing(inspector, request.uiPort, signal);
  } catch (error) {
    await bestEffort(context.logger, 'failed to remove container', inspector.remove);
    throw error;
  }
  return pageUrl(workload, token, request);
}

async function findTarget(context: Context, name: string, { signal }: OperationOptions): Promise<Workload> {
  let workload: Workload;
  try {
    workload = await getWorkload(context, name, { signal });
  } catch (error) {
    if (!hasCode(error, 'ERR_WORKLOAD_NOT_FOUND')) throw error;
    const reason = `failed to find server: server with name ${name} not found`;
    throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error, hint: "use 'thv list --all'" });
  }
  const refuse = (reason: string, hint?: string) =>
    new ThvError('ERR_INPUT_INVALID', { reason }, hint === undefined ? {} : { hint });
  if (workload.port <= 0) throw refuse(`server ${name} does not have a valid port`);
  if (workload.status !== 'running')
    throw refuse(`server ${name} is not running`, `start it with 'thv start ${name}'`);
  await warnOfLoopback(context, workload);
  return workload;
}

/** From inside a container, the loopback address of a Linux machine is out of reach; Docker Desktop has a way in. */
async function warnOfLoopback(context: Context, { name }: Workload): Promise<void> {
  const config: RunConfig | undefined = await context.runConfigs.find(name as WorkloadName);
  if (process.platform !== 'linux' || config === undefined || !isLoopbackHost(config.host)) return;
  context.logger.warn('the inspector may not reach a workload that listens on loopback only', {
    workload: name,
    hint: "run the workload with '--host 0.0.0.0'",
  });
}

async function refuseBusyPorts({ uiPort, mcpProxyPort }: InspectRequest): Promise<void> {
  for (const [flag, port] of [
    ['--ui-port', uiPort],
    ['--mcp-proxy-port', mcpProxyPort],
  ] as const) {
    if (await isPortAvailable(port)) continue;
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `port ${port} is not available` },
      { hint: `choose another one with ${flag}` },
    );
  }
}

function programOf(
  { env }: Context,
  token: string,
  { uiPort, mcpProxyPort }: InspectRequest,
): AuxiliaryProgram {
  return {
    image: env['TOOLHIVE_INSPECTOR_IMAGE'] || IMAGE,
    environment: {
      MCP_PROXY_AUTH_TOKEN: token,
      HOST: '0.0.0.0',
      CLIENT_PORT: String(uiPort),
      SERVER_PORT: String(mcpProxyPort),
    },
    ports: [uiPort, mcpProxyPort],
    labelledPort: uiPort,
  };
}

async function untilServing(
  inspector: Auxiliary,
  port: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  let last = 'no answer';
  for (;;) {
    if (signal?.aborted) {
      throw new ThvError('ERR_CANCELLED', {
        reason: 'context cancelled while waiting for workload to start',
      });
    }
    const answer = await ask(port);
    if (answer === 200) return;
    last = String(answer);
    const end = await inspector.findEnd();
    if (end !== undefined) {
      const reason = `the inspector ended before it served its page (exit code ${end.exitCode ?? 'unknown'})`;
      throw new ThvError('ERR_CONTAINER_EXITED', { container: NAME, reason });
    }
    if (performance.now() > deadline) {
      throw new ThvError('ERR_TIMEOUT', { reason: `the inspector does not serve its page: ${last}` });
    }
    await sleep(POLL_MS, signal);
  }
}

/** Status of the page, or why there is none. */
async function ask(port: number): Promise<number | string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(3000),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return messageOf(error);
  }
}

function pageUrl(
  { transport, proxyMode, port, url }: Workload,
  token: string,
  { uiPort, mcpProxyPort }: InspectRequest,
): string {
  const mode = transport === 'stdio' ? (proxyMode ?? 'streamable-http') : transport;
  // `/sse` or `/mcp`, except for remote servers: those have paths of their own.
  const server = `http://host.docker.internal:${port}${new URL(url).pathname}`;
  const elsewhere = mcpProxyPort === USUAL_PROXY_PORT ? '' : `&MCP_PROXY_PORT=${mcpProxyPort}`;
  return `http://localhost:${uiPort}?transport=${mode}&serverUrl=${server}&MCP_PROXY_AUTH_TOKEN=${token}${elsewhere}`;
}
