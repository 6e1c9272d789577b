import type { ContainerDetails, Engine } from '../../engine/index.ts';
import { hasCode, ThvError, within } from '../../errors/index.ts';
import { findFreePort, isPortAvailable, type Logger, type Paths, sleep } from '../../platform/index.ts';
import { containerNameOf, isManaged, networkPolicyOf, type RunConfig } from '../../records/index.ts';
import { type Mount, planDeployment, profileOf } from '../../sandbox/index.ts';
import type { RuntimeServices } from '../runtime.ts';
import type { RunningServer } from '../server.ts';
import { applyPlan } from './apply-plan.ts';
import { describeExit, findByExactName, identityOf, isUp } from './containers.ts';
import type { DeployMark } from './deploy-mark.ts';
import { isolationOf } from './isolate.ts';
import { hasParts, removeInternalNetwork, removeParts } from './isolation-parts.ts';
import type { Sidecar } from './sidecar/types.ts';

/** A workload's container that is up. */
export interface RunningContainer {
  readonly id: string;
  /** Changes whenever the server's process is a new one: container id and start time. */
  readonly identity: string;
  /** It ran before we came: another process was attached to it, and may have died in the middle of a line. */
  readonly wasUp: boolean;
  /** How long its process had run when we came to it. */
  readonly livedMs: number;
  /** Port on the target host that the proxy connects to; `undefined` for stdio. */
  readonly hostPort: number | undefined;
  /** The way to a server that the sidecar isolates. */
  readonly tunnel: RunningServer['tunnel'];
}

interface DeployOptions {
  /** Values that are given to the server and never stored. */
  readonly environment: Readonly<Record<string, string>>;
  /** Over the profile's mounts. */
  readonly overlays: readonly Mount[];
  /** Variables that choose what isolates. */
  readonly env: RuntimeServices['env'];
  readonly paths: Paths;
  readonly sidecar: (engine: Engine) => Promise<Sidecar>;
  readonly mark: DeployMark;
  readonly logger: Logger;
  /** Ends the deployment between two requests: one that changes something is always waited for, because engines finish it anyway. */
  readonly signal: AbortSignal;
}

const UP_TIMEOUT_MS = 2000;
const UP_POLL_MS = 50;
const DEPLOY_ATTEMPTS = 3;
const DEPLOY_RETRY_MS = 300;
/** How long the engine may still be making a container of this name for somebody who is gone. */
const NAME_TIMEOUT_MS = 60_000;

/** Makes the workload's container run: reused when it has the settings wanted, else recreated (spec 03 §4.1, §9.1). */
export async function deployContainer(
  engine: Engine,
  config: RunConfig,
  options: DeployOptions,
): Promise<RunningContainer> {
  const { logger, signal } = options;
  const nameDeadline = performance.now() + NAME_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await deployOnce(engine, config, options);
    } catch (error) {
      // A port or a network that somebody else took or removed in between: all of it is looked at again.
      if (!hasCode(error, 'ERR_ENGINE_REQUEST') || signal.aborted) throw error;
      // A host that was killed while it created a container leaves that to its successor, who cannot see it before it is there.
      const isNameTaken = error.facts.refusal === 'name-taken';
      const isLast = isNameTaken ? performance.now() > nameDeadline : attempt >= DEPLOY_ATTEMPTS;
      if (isLast) throw error;
      logger.debug('trying once more to start the container', { error });
      await sleep(DEPLOY_RETRY_MS * Math.min(attempt, DEPLOY_ATTEMPTS), signal);
      signal.throwIfAborted();
    }
  }
}

async function deployOnce(
  engine: Engine,
  config: RunConfig,
  options: DeployOptions,
): Promise<RunningContainer> {
  const { signal } = options;
  const name = containerNameOf(config);
  const existing = await within('failed to inspect container', () => findByExactName(engine, name, signal));
  if (existing !== undefined && !isManaged(existing.Config.Labels ?? {})) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a container named '${name}' exists that thv does not manage` },
      { hint: 'choose another name with --name, or remove that container' },
    );
  }
  const isolation = await isolationOf(engine, config, options);
  // Left by a start that was killed, or of the time when it was isolated in another way.
  const mayBeLeft = existing === undefined || hasParts(existing);
  if (mayBeLeft && isolation?.by !== 'squid') await removeParts(engine, name, signal);
  if (mayBeLeft && isolation === undefined) await removeInternalNetwork(engine, name, options.logger);
  const hostPort = isolation === undefined ? await choosePrimaryPort(config, existing) : undefined;
  const plan = planDeployment(config, { ...options, hostPort, isolation });
  const id = await apply();
  const details = await untilUp(engine, id, name, signal);
  const wasUp = existing !== undefined && isUp(existing) && existing.Id === id;
  return {
    id,
    identity: identityOf(details),
    wasUp,
    livedMs: wasUp ? Math.max(0, Date.now() - Date.parse(details.State.StartedAt)) : 0,
    hostPort: isolation?.by === 'squid' ? isolation.ingressPort : hostPort,
    tunnel:
      isolation?.by === 'sidecar' && config.transport !== 'stdio'
        ? async (dialing) => (await options.sidecar(engine)).tunnel(name, config.target_port, dialing)
        : undefined,
  };

  async function apply(): Promise<string> {
    try {
      return await applyPlan(engine, plan, existing, options);
    } catch (error) {
      if (isolation?.by === 'sidecar' && existing === undefined && !signal.aborted)
        await (await options.sidecar(engine)).release(name);
      throw error;
    }
  }
}

/**
 * The container once it is up. One that the engine waits to restart is none to attach to: the stream would open and stay
 * silent. Throws `ERR_CONTAINER_NOT_RUNNING` for one that ends at once.
 */
async function untilUp(
  engine: Engine,
  id: string,
  name: string,
  signal: AbortSignal,
): Promise<ContainerDetails> {
  const deadline = performance.now() + UP_TIMEOUT_MS;
  for (;;) {
    const details = await engine.containers.find(id, { signal });
    if (details === undefined) throw new ThvError('ERR_CONTAINER_NOT_FOUND', { container: name });
    if (isUp(details)) return details;
    if (!details.State.Restarting || performance.now() > deadline || signal.aborted) {
      throw new ThvError('ERR_CONTAINER_NOT_RUNNING', { container: name, reason: describeExit(details) });
    }
    await sleep(UP_POLL_MS, signal);
  }
}

/**
 * The host port of an HTTP server: the one its container has, else the target port if it is free on the host, else any
 * free one, so that two servers with equal target ports both start (spec 03 §6.3).
 */
async function choosePrimaryPort(
  config: RunConfig,
  existing: ContainerDetails | undefined,
): Promise<number | undefined> {
  const { connection } = networkPolicyOf(profileOf(config));
  if (config.transport === 'stdio') return undefined;
  if (connection === 'host') return config.target_port;
  const bound = Number(existing?.HostConfig.PortBindings?.[`${config.target_port}/tcp`]?.at(-1)?.HostPort);
  if (existing !== undefined && bound > 0 && (isUp(existing) || (await isPortAvailable(bound)))) return bound;
  return (await isPortAvailable(config.target_port)) ? config.target_port : findFreePort();
}
