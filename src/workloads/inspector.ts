import { randomBytes } from 'node:crypto';
import type { ContainerSpec, Engine } from '../engine/index.ts';
import { hasCode, messageOf, ThvError, within } from '../errors/index.ts';
import { findByExactName, isUp } from '../host/index.ts';
import { isPortAvailable, sleep } from '../platform/index.ts';
import { LABEL, type RunConfig, standardLabels, type WorkloadName } from '../records/index.ts';
import { bestEffort, type Context } from './context.ts';
import { getWorkload } from './list.ts';
import { retrieveImage } from './retrieve-image.ts';
import type { InspectRequest, OperationOptions, Progress, Workload } from './types.ts';

/** Pinned; `TOOLHIVE_INSPECTOR_IMAGE` names another one, for machines that cannot reach this registry. */
const IMAGE = 'ghcr.io/modelcontextprotocol/inspector:0.21.2';
const NAME = 'inspector';
/** Where the page looks for its proxy unless it is told. */
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
  const engine = await within('failed to create container runtime', () => context.engine(signal));
  await refuseSecond(context, engine, signal);
  await refuseBusyPorts(request);
  const image = context.env['TOOLHIVE_INSPECTOR_IMAGE'] || IMAGE;
  const { digest } = await retrieveImage(engine, image, {
    ...options,
    logger: context.logger,
    owner: 'program',
  });
  const token = randomBytes(32).toString('hex');
  const id = await startContainer(engine, inspectorSpec(image, token, request), digest, signal);
  try {
    await untilServing(engine, id, request.uiPort, signal);
  } catch (error) {
    await bestEffort(context.logger, 'failed to remove container', () =>
      engine.containers.remove(id, { force: true, signal: AbortSignal.timeout(30_000) }),
    );
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
  if (process.platform !== 'linux' || config === undefined || !config.host.startsWith('127.')) return;
  context.logger.warn('the inspector may not reach a workload that listens on loopback only', {
    workload: name,
    hint: "run the workload with '--host 0.0.0.0'",
  });
}

async function refuseSecond(context: Context, engine: Engine, signal?: AbortSignal): Promise<void> {
  const existing = await findByExactName(engine, NAME, signal);
  const isOurs = existing?.Config.Labels?.[LABEL.auxiliary] === 'true';
  if ((await context.runConfigs.names()).includes(NAME) || (existing !== undefined && !isOurs)) {
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: NAME });
  }
  if (existing === undefined) return;
  if (isUp(existing)) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: 'an inspector is already running' },
      { hint: `remove it with 'thv rm ${NAME}'` },
    );
  }
  await engine.containers.remove(existing.Id, { force: true, signal });
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

function inspectorSpec(
  image: string,
  token: string,
  { uiPort, mcpProxyPort }: InspectRequest,
): ContainerSpec {
  const ports = [String(uiPort), String(mcpProxyPort)];
  return {
    Image: image,
    Env: [
      `MCP_PROXY_AUTH_TOKEN=${token}`,
      'HOST=0.0.0.0',
      `CLIENT_PORT=${uiPort}`,
      `SERVER_PORT=${mcpProxyPort}`,
    ],
    Labels: {
      ...standardLabels({ containerName: NAME, baseName: NAME, transport: NAME, port: uiPort }),
      [LABEL.auxiliary]: 'true',
      [LABEL.networkIsolation]: 'false',
    },
    ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
    HostConfig: {
      NetworkMode: 'bridge',
      CapDrop: ['ALL'],
      SecurityOpt: ['label:disable', 'no-new-privileges'],
      // Nobody supervises it: one that ends stays ended, and says why.
      RestartPolicy: { Name: 'no' },
      // Docker Desktop knows the name by itself.
      ExtraHosts: ['host.docker.internal:host-gateway'],
      PortBindings: Object.fromEntries(
        ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: port }]]),
      ),
    },
  };
}

async function startContainer(
  engine: Engine,
  spec: ContainerSpec,
  imageId: string,
  signal?: AbortSignal,
): Promise<string> {
  const { id } = await within('failed to create container', () =>
    engine.containers.create(NAME, spec, { imageId, signal }),
  );
  try {
    await within('failed to start container', () => engine.containers.start(id, { signal }));
  } catch (error) {
    await engine.containers.remove(id, { force: true }).catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
  return id;
}

async function untilServing(
  engine: Engine,
  id: string,
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
    const details = await engine.containers.find(id);
    // Podman says `stopped` for a moment, and knows the exit code only after it.
    if (details === undefined || details.State.Status === 'exited' || details.State.Status === 'dead') {
      const reason = `the inspector ended before it served its page (exit code ${details?.State.ExitCode ?? 'unknown'})`;
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
