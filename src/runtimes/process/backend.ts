import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import {
  findFreePort,
  isPortAvailable,
  type Logger,
  openRotatingFile,
  type Paths,
  type RotatingFile,
  selfCommand,
  sleep,
} from '../../platform/index.ts';
import {
  findSandbox,
  type InstalledPackage,
  installPackage,
  type NetworkAccess,
  networkAccessOf,
  noSandbox,
  type ProcessSpec,
  requirePackage,
  type Sandbox,
  type SandboxedProcess,
} from '../../processes/index.ts';
import {
  type EffectiveLimits,
  effectiveLimits,
  type RunConfig,
  type WorkloadName,
} from '../../records/index.ts';
import { type Mount, mountsOf, profileOf, transportEnvironment } from '../../sandbox/index.ts';
import { confinementOf, packageFacts, wayOut, writeConfinement } from '../confinement.ts';
import { type NetworkJournal, openNetworkJournal } from '../network-journal.ts';
import { overlaysOf } from '../overlays.ts';
import type { RuntimeServices } from '../runtime.ts';
import type { Backend } from '../server.ts';
import { packageSettings } from './package-settings.ts';
import { outputPath, processFolder, takeStopTime } from './process-files.ts';
import { serverOf } from './process-server.ts';

interface ProcessBackendOptions {
  readonly paths: Paths;
  readonly shell: RuntimeServices['shell'];
  readonly logger: Logger;
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
}

/** Containers are restarted by their engine at once, and the delays are made for when that fails; nobody else restarts a process. */
const DELAY_SHARE = 1 / 20;
/** Where nobody granted another time: a removal, an edit, the end of the host. */
const STOP_GRACE_SECONDS = 5;
const OPEN_FILES = 65_536;

/** A server that is a package, run as a confined process of this machine; it ends with the one who looks after it. */
export function createProcessBackend(
  name: WorkloadName,
  config: RunConfig,
  options: ProcessBackendOptions,
): Backend {
  const { paths, logger, signal } = options;
  const isLearned = config.learn_permissions !== undefined;
  const access = networkAccessOf(profileOf(config), config.isolate_network, isLearned);
  let journal: NetworkJournal | undefined;
  const network: NetworkAccess =
    access.type === 'filtered'
      ? {
          ...access,
          onDecision(decision) {
            journal ??= openNetworkJournal(paths, name, { keepsAllowed: isLearned });
            journal.record(decision);
          },
        }
      : access;
  const limits = effectiveLimits(config.resource_limits);
  let output: RotatingFile | undefined;
  let running: SandboxedProcess | undefined;
  let lastWords = async () => '';

  async function deploy(environment: Readonly<Record<string, string>>) {
    takeStopTime(paths, name); // of a stop that found nobody
    const sandbox = await openSandbox(config, options);
    const installed = await install(config, sandbox, options);
    using use = new DisposableStack();
    use.use(installed.use);
    const weaknesses = warnOfWeaknesses(sandbox, network, logger);
    const spec = await processSpec(name, config, environment, {
      ...options,
      sandbox,
      installed,
      network,
      limits,
    });
    const started = await sandbox.start(spec);
    running = started;
    writeConfinement(paths, name, {
      ...confinementOf(started.held, limits, weaknesses),
      ...packageFacts(installed),
    });
    const used = use.move();
    void started.exited.then(() => used.dispose());
    output ??= openRotatingFile(outputPath(paths, name));
    const server = serverOf(started, {
      hostPort: spec.port?.outside,
      limits,
      output,
      wayOut: wayOut(installed),
    });
    lastWords = server.lastWords;
    logger.info('process started', startedFacts(installed, sandbox, started));
    return server;
  }

  return {
    noun: 'Process',
    deploy,
    lastWords: () => lastWords(),
    giveUp: async () => undefined,
    untilUpAgain: (delayMs) => sleep(delayMs * DELAY_SHARE, signal),
    async release() {
      await running?.stop((takeStopTime(paths, name) ?? STOP_GRACE_SECONDS) * 1000);
      output?.[Symbol.dispose]();
      journal?.[Symbol.dispose]();
    },
  };
}

async function openSandbox(
  config: RunConfig,
  { paths, shell: env, logger, signal }: ProcessBackendOptions,
): Promise<Sandbox> {
  const self = selfCommand();
  if (config.no_sandbox) return noSandbox(self);
  return await findSandbox({ env, self, cacheFolder: paths.cache, logger, signal });
}

async function install(
  config: RunConfig,
  sandbox: Sandbox,
  { paths, shell: env, logger, signal }: ProcessBackendOptions,
): Promise<InstalledPackage> {
  return await installPackage(requirePackage(config.image), {
    folder: join(paths.data, 'packages'),
    cacheFolder: paths.cache,
    env,
    self: selfCommand(),
    sandbox,
    allowScripts: config.allow_install_scripts === true,
    ...(await packageSettings(config, { env, paths })),
    progress: (line) => logger.info(line),
    logger,
    signal,
  });
}

function warnOfWeaknesses(sandbox: Sandbox, network: NetworkAccess, logger: Logger): readonly string[] {
  const weaknesses = sandbox.weaknesses(network);
  for (const weakness of weaknesses) {
    logger.warn('the sandbox is weaker than a container', { sandbox: sandbox.kind, weakness });
  }
  return weaknesses;
}

interface Prepared extends ProcessBackendOptions {
  readonly sandbox: Sandbox;
  readonly installed: InstalledPackage;
  readonly network: NetworkAccess;
  readonly limits: EffectiveLimits;
}

/** Everything the process is started with; `environment` holds the secrets and wins over the document's variables. */
async function processSpec(
  name: WorkloadName,
  config: RunConfig,
  environment: Readonly<Record<string, string>>,
  { sandbox, installed, network, limits, paths, logger, signal }: Prepared,
): Promise<ProcessSpec> {
  const view = await viewOf(name, config, { paths, logger });
  const port = await choosePort(config, network, sandbox);
  return {
    command: [...installed.command, ...config.cmd_args],
    ...(installed.cwd === undefined ? {} : { cwd: installed.cwd }),
    env: {
      ...installed.env,
      ...config.env_vars,
      ...transportEnvironment(port === undefined ? config : { ...config, target_port: port.inside }),
      ...environment,
    },
    folder: processFolder(paths, name),
    readOnlyPaths: installed.readOnlyPaths,
    node: installed.node,
    ...view,
    network,
    ...(port === undefined ? {} : { port }),
    limits: {
      memoryBytes: limits.memoryBytes,
      cpus: limits.cpus,
      processes: limits.pids,
      openFiles: OPEN_FILES,
    },
    logger,
    signal,
  };
}

/** What of this machine the process sees. Throws `ERR_INPUT_INVALID` for a mount of what is not there. */
async function viewOf(
  name: WorkloadName,
  config: RunConfig,
  services: Pick<ProcessBackendOptions, 'paths' | 'logger'>,
): Promise<Pick<ProcessSpec, 'mounts' | 'overlays'>> {
  // All files of this machine can be seen without a sandbox; there is no view to put anything into, or to hide it in.
  if (config.no_sandbox) return { mounts: [], overlays: [] };
  const mounts = existing(mountsOf(profileOf(config), services.logger));
  return { mounts, overlays: await overlaysOf(name, config, services) };
}

function startedFacts(installed: InstalledPackage, sandbox: Sandbox, started: SandboxedProcess) {
  const { jsRuntime } = installed;
  return {
    package: installed.reference,
    sandbox: sandbox.kind,
    ...(jsRuntime === undefined ? {} : { jsRuntime: `${jsRuntime.name} ${jsRuntime.version}` }),
    processId: started.pid,
  };
}

/** Throws `ERR_INPUT_INVALID` for a mount of what is not there. */
function existing(mounts: readonly Mount[]): readonly Mount[] {
  const missing = mounts.find(({ source }) => !existsSync(source));
  if (missing === undefined) return mounts;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `what is to be mounted at ${missing.target} does not exist: ${missing.source}`,
  });
}

/** Inside a network of its own every port is free; on this machine's the server has to be told one that is. */
async function choosePort(config: RunConfig, network: NetworkAccess, sandbox: Sandbox) {
  if (config.transport === 'stdio') return undefined;
  const wanted = config.target_port;
  // The port asked for is left to those who have to share this machine's.
  if (sandbox.hasOwnNetwork(network)) return { inside: wanted, outside: await findFreePort() };
  const port = (await isPortAvailable(wanted)) ? wanted : await findFreePort();
  return { inside: port, outside: port };
}
