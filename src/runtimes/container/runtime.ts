import { hasCode, ThvError } from '../../errors/index.ts';
import { RUNTIME_WORDS, type WorkloadName } from '../../records/index.ts';
import { deleteIsolationFiles } from '../../sandbox/index.ts';
import { NOWHERE } from '../nowhere.ts';
import type { LogOptions, OutputChunk, Runtime, RuntimeServices } from '../runtime.ts';
import { createContainerBackend } from './backend.ts';
import { findByExactName, findContainer } from './containers.ts';
import { findUnfinishedDeploy } from './deploy-mark.ts';
import { createEngineAccess, type EngineAccess, isEngineOf, namesAnEngine } from './engine-access.ts';
import { locateContainer } from './place.ts';
import { removeContainers } from './remove-containers.ts';
import { sightContainer, sightContainers } from './sighting.ts';

/** Servers in containers of Docker or Podman. */
export function createContainerRuntime(services: RuntimeServices): Runtime {
  const access = createEngineAccess(services);
  const { env, wanted, paths, logger, notes } = access;
  const images = () => import('./obtain-image.ts');
  return {
    kind: 'container',
    runs: 'images',
    names: RUNTIME_WORDS.container,
    takes: ['image', 'package'],
    endsWithSupervisor: false,
    requireConnection: () => undefined,
    isNamed: namesAnEngine(services),
    async open({ signal }) {
      await access.engine(signal);
    },
    ping: async (options) => (await access.engine(options.signal)).ping(options),
    async obtain(order, options) {
      const engine = await access.engine(options.signal);
      return { image: await (await images()).imageOf(services, engine, order, options), isReady: false };
    },
    async prepare(config, options) {
      const engine = await access.engine(options.signal);
      const resolved_image = await (await images()).resolveImage(services, engine, config, options);
      return { ...config, resolved_image };
    },
    requireFreeName: (name, { signal }) => requireFreeName(access, name, signal),
    find: async (name, looking) => sightContainer(await access.engine(looking.signal), name, looking),
    list: async (looking) => sightContainers(await access.engine(looking.signal), logger, looking),
    isElsewhere: (name) => isInAnotherEngine(access, name),
    describe: () => ({}),
    logs: (name, options) => containerLogs(access, name, options),
    hasTraceOf: () => false,
    locate: async (name, options) => (await locateContainer(access, name, options)) ?? NOWHERE,
    clear: async (name, { signal }) => removeContainers(services, await access.engine(signal), name, signal),
    makeRoom: async () => undefined,
    grantStopTime: () => undefined,
    isDeploying: (name) => findUnfinishedDeploy(paths.state, name) !== undefined,
    leftovers: (name) => [
      { what: 'the note of its engine', remove: () => notes.delete(name) },
      {
        what: 'the configuration of what isolates it',
        remove: () => deleteIsolationFiles(paths.state, name),
      },
    ],
    openAuxiliary: async (name, { signal }) =>
      (await import('./auxiliary.ts')).openAuxiliary(access, name, signal),
    serve: async (name, config, { logger: log, signal }) => ({
      type: 'started',
      backend: createContainerBackend(name, config, { paths, env, wanted, notes, logger: log, signal }),
    }),
  };
}

async function requireFreeName(access: EngineAccess, name: WorkloadName, signal: AbortSignal | undefined) {
  if ((await findByExactName(await access.engine(signal), name, signal)) === undefined) return;
  throw new ThvError(
    'ERR_INPUT_INVALID',
    { reason: `a container named '${name}' exists that thv does not manage` },
    { hint: 'choose another name with --name, or remove that container' },
  );
}

/** Logged as well: the engine that answers here is not the one that holds the container. */
async function isInAnotherEngine(access: EngineAccess, name: WorkloadName): Promise<boolean> {
  const note = await access.notes.find(name);
  if (note === undefined) return false;
  const engine = await access.engine();
  if (isEngineOf(note, engine)) return false;
  access.logger.warn('container not looked for: it is in another engine', {
    workload: name,
    engine: `${note.kind} at ${note.address}`,
    asked: `${engine.kind} at ${engine.address}`,
  });
  return true;
}

async function containerLogs(
  access: EngineAccess,
  name: WorkloadName,
  { follow, tail, signal }: LogOptions,
): Promise<AsyncIterable<OutputChunk> | undefined> {
  const engine = await access.engine(signal);
  const container = await findContainer(engine, name, signal);
  if (container === undefined) return undefined;
  return read(engine.containers.logs(container.Id, { follow, tail, signal }));

  async function* read(chunks: AsyncIterable<OutputChunk>): AsyncGenerator<OutputChunk> {
    try {
      yield* chunks;
    } catch (error) {
      const isGone = hasCode(error, 'ERR_CONTAINER_NOT_FOUND');
      throw isGone ? new ThvError('ERR_LOGS_NOT_FOUND', { workload: name }) : error;
    }
  }
}
