import { existsSync } from 'node:fs';
import { ThvError } from '../../errors/index.ts';
import { followFile } from '../../platform/index.ts';
import {
  connectionOf,
  RUNTIME_WORDS,
  type RunConfig,
  type StatusRecord,
  type WorkloadName,
} from '../../records/index.ts';
import { readConfinement } from '../confinement.ts';
import { NOWHERE } from '../nowhere.ts';
import type { Description, LogOptions, OutputChunk, Runtime, RuntimeServices } from '../runtime.ts';
import {
  clearProcessFolder,
  deleteProcessFolder,
  deleteProcessLeftovers,
  grantStopTime,
  outputPath,
  processFolder,
} from './process-files.ts';

const WEAKER =
  'no container engine answers: the package runs as a process, confined to what its permission profile grants, but on the kernel of this machine and, where the profile allows all of the network and nothing gives it one of its own, beside its own services';

/** Servers that are packages or folders, run as confined processes of this machine. */
export function createProcessRuntime(services: RuntimeServices): Runtime {
  const { paths, shell, logger } = services;
  // Loaded by those alone that need it: a host of containers is the smaller for it.
  const packages = () => import('./ensure-package.ts');
  return {
    kind: 'process',
    runs: 'packages',
    names: RUNTIME_WORDS.process,
    takes: ['package'],
    caution: WEAKER,
    endsWithSupervisor: true,
    notForKubernetes: 'packages that are run as processes have no image for a Kubernetes deployment',
    requireConnection,
    isNamed: false,
    open: async () => undefined,
    ping: async () => undefined,
    async obtain({ packageName, settings }, options) {
      const image = await (await packages()).ensurePackage(services, packageName, settings, options);
      return { image, isReady: true };
    },
    async prepare(config, options) {
      await (await packages()).ensurePackage(services, config.image, config, options);
      return config;
    },
    requireFreeName: async () => undefined,
    find: async () => undefined,
    list: async () => new Map(),
    isElsewhere: async () => false,
    describe: (name, config, record) => describe(services, name, config, record),
    logs: async (name, options) => printed(services, name, options),
    hasTraceOf: (name) => existsSync(processFolder(paths, name)),
    locate: async () => NOWHERE,
    clear: async () => undefined,
    makeRoom: (name) => clearProcessFolder(paths, name, logger),
    grantStopTime: (name, seconds) => grantStopTime(paths, name, seconds),
    isDeploying: () => false,
    leftovers: (name, options) => [
      {
        what: 'the folder of the process',
        async remove() {
          await deleteProcessLeftovers(paths, options);
          await deleteProcessFolder(paths, name, options);
        },
      },
    ],
    async serve(name, config, { logger: log, signal }) {
      const { createProcessBackend } = await import('./backend.ts');
      return {
        type: 'started',
        backend: createProcessBackend(name, config, { paths, shell, logger: log, signal }),
      };
    },
  };
}

/** Networks of an engine mean nothing to a process. */
function requireConnection(mode: string): void {
  if (connectionOf(mode) !== 'named') return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `a process cannot be connected to network "${mode}": only none and host apply to processes`,
  });
}

function describe(
  { paths }: RuntimeServices,
  name: WorkloadName,
  { no_sandbox }: RunConfig,
  record: StatusRecord | undefined,
): Description {
  const known = readConfinement(paths, name);
  const isHeld = record?.status === 'running' || record?.status === 'unhealthy';
  // A status changes when a process is up.
  const startedAt = record?.status === 'running' ? record.updated_at : undefined;
  return {
    process: { isConfined: !no_sandbox },
    startedAt: startedAt === undefined ? undefined : new Date(startedAt),
    // Nothing holds what does not run; what ran it is of interest most of all when it has died.
    confinement: isHeld || known === undefined ? known : { ...known, limits: {}, weaknesses: [] },
  };
}

async function* printed(
  { paths }: RuntimeServices,
  name: WorkloadName,
  { follow, tail, signal, hasEndedForGood }: LogOptions,
): AsyncGenerator<OutputChunk> {
  const chunks = followFile(outputPath(paths, name), {
    follow,
    signal: signal ?? new AbortController().signal,
    ...(tail === 'all' ? {} : { lines: tail }),
    isComplete: hasEndedForGood,
  });
  for await (const bytes of chunks) yield { stream: 'stdout', bytes };
}
