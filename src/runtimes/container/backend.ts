import type { Engine } from '../../engine/index.ts';
import { openEngine } from '../../engine/index.ts';
import { type Logger, type Paths, sleep } from '../../platform/index.ts';
import { containerNameOf, type EngineNotes, type RunConfig, type WorkloadName } from '../../records/index.ts';
import { overlaysOf } from '../overlays.ts';
import type { RuntimeServices } from '../runtime.ts';
import type { Backend, RunningServer } from '../server.ts';
import { confirmExit, watchContainer } from './container-watch.ts';
import { findByExactName, identityOf, isUp } from './containers.ts';
import { deployContainer, type RunningContainer } from './deploy-container.ts';
import { createDeployMark } from './deploy-mark.ts';
import { lastWords } from './last-words.ts';
import { recordDecisions } from './network-record.ts';
import { keepAttached } from './server-stdio.ts';
import { useSidecar } from './shared-sidecar.ts';

interface ContainerBackendOptions {
  readonly paths: Paths;
  readonly env: RuntimeServices['env'];
  readonly wanted: RuntimeServices['wanted'];
  readonly notes: EngineNotes;
  readonly logger: Logger;
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
}

const STOP_GRACE_SECONDS = 10;
const LOOK_MS = 500;

/** A server in a container, which outlives the one who looks after it. */
export function createContainerBackend(
  workload: WorkloadName,
  config: RunConfig,
  options: ContainerBackendOptions,
): Backend {
  const { env, wanted, notes, logger, signal, paths } = options;
  // Anew each time: in the life of a run its engine may be restarted as another version.
  const open = () => openEngine({ env, wanted, signal });
  const name = containerNameOf(config);
  const mark = createDeployMark(paths.state, workload, logger);
  let used: ReturnType<typeof useSidecar> | undefined;
  let recording: Promise<void> | undefined;
  const sidecar = async (engine: Engine) => {
    used ??= useSidecar(engine, { paths, env, logger });
    const handle = (await used).sidecar;
    const keepsAllowed = config.learn_permissions !== undefined;
    recording ??= recordDecisions(handle, workload, { paths, container: name, keepsAllowed, logger, signal });
    return handle;
  };
  return {
    noun: 'Container',
    async deploy(environment) {
      const engine = await open();
      const overlays = await overlaysOf(workload, config, options);
      const deploy = { environment, overlays, env, paths, sidecar, mark, logger, signal };
      notes.note(workload, engine).catch((error: unknown) => {
        logger.debug('engine of the workload not noted', { error });
      });
      return serverIn(engine, await deployContainer(engine, config, deploy), config);
    },
    async lastWords() {
      return lastWords(await open(), name, config.transport);
    },
    /** The engine would go on restarting it. */
    async giveUp() {
      try {
        const engine = await open();
        await engine.containers.stop(name, { graceSeconds: STOP_GRACE_SECONDS, signal });
      } catch (error) {
        logger.warn('failed to stop container', { error });
      }
    },
    /** The engine restarts crashed containers too; when it was faster, there is nothing to wait for. */
    async untilUpAgain(delayMs) {
      const deadline = performance.now() + delayMs;
      let seen = '';
      while (performance.now() < deadline && !signal.aborted) {
        await sleep(LOOK_MS, signal);
        try {
          const details = await findByExactName(await open(), name, signal);
          const identity = details !== undefined && isUp(details) ? identityOf(details) : '';
          if (identity !== '' && identity === seen) return;
          seen = identity;
        } catch {
          // an engine that does not answer: the deadline decides
        }
      }
    },
    async release() {
      await recording; // it ends with the run
      const handle = await used?.catch(() => undefined); // what never opened has nothing to close
      await handle?.[Symbol.asyncDispose]();
    },
  };
}

function serverIn(engine: Engine, container: RunningContainer, config: RunConfig): RunningServer {
  const { id, identity, wasUp, livedMs, hostPort, tunnel } = container;
  return {
    identity,
    wasUp,
    livedMs,
    hostPort,
    tunnel,
    watch: (signal) => watchContainer(engine, id, identity, signal),
    confirm: (event, signal) => confirmExit(engine, event, id, signal),
    keepAttached: (bridge, signal) => keepAttached(engine, container, bridge, signal),
    lastWords: () => lastWords(engine, id, config.transport),
    stop: (graceSeconds, signal) => engine.containers.stop(id, { graceSeconds, signal }),
  };
}
