import { messageOf, ThvError, within } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import { refuseUnsupported } from '../host/index.ts';
import { findFreePort, isPortAvailable, type Logger, type Paths, readTextFile } from '../platform/index.ts';
import {
  baseNameOf,
  containerNameOf,
  isIsolated,
  parseNewWorkloadName,
  parseRunConfig,
  type RunConfig,
  requireSoundConfig,
  standardLabels,
  unknownKeysOf,
  type WorkloadName,
} from '../records/index.ts';
import type { Runtimes } from '../runtimes/index.ts';
import { checkProfile, withAbsoluteSources } from '../sandbox/index.ts';
import { requireApplicableKeys } from './applicable-flags.ts';
import { checkLimits } from './check-limits.ts';
import { withReconciledIsolation } from './isolation.ts';
import { placeOf } from './runtime.ts';

const SCHEMA_VERSION = 'v0.1.0';

/** A document made elsewhere. Throws `ERR_FILE_UNREADABLE`, `ERR_RUN_CONFIG_INVALID` (spec 01 §4.8). */
export async function readRunConfigFile(path: string): Promise<RunConfig> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    const reason = `failed to open configuration file '${path}': ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
  return await within('failed to parse configuration file', () => parseRunConfig(text));
}

/**
 * What a document from elsewhere must be to run here (spec 02 §15-11): a legal name, a group that exists, nothing that
 * cannot be enforced. Missing names are filled in, mounts no longer depend on the working folder, everything else stays as it
 * was written.
 */
export async function admitRunConfig(
  config: RunConfig,
  {
    paths,
    logger,
    runtimes,
  }: { readonly paths: Paths; readonly logger: Logger; readonly runtimes: Runtimes },
): Promise<{ readonly name: WorkloadName; readonly config: RunConfig }> {
  const runtime = runtimes.of(config);
  refuseUnsupported(config);
  if (config.schema_version !== SCHEMA_VERSION) {
    logger.warn('run configuration has another schema version', {
      given: config.schema_version,
      known: SCHEMA_VERSION,
    });
  }
  const unknown = unknownKeysOf(config);
  if (unknown.length > 0) logger.warn('run configuration has unknown keys', { keys: unknown.join(', ') });
  if (config.image === '' && runtime.runs !== 'nothing') throw invalid('image: must not be empty');
  requireSoundConfig(config);
  requireApplicableKeys(config);
  const name = parseNewWorkloadName(baseNameOf(config));
  if (config.container_name) parseNewWorkloadName(config.container_name);
  if (config.group && !groupExists(paths.state, config.group)) {
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group: config.group });
  }
  const { permission_profile } = config;
  if (runtime.runs !== 'nothing') checkLimits(config.resource_limits, placeOf(runtime));
  if (permission_profile) checkProfile(permission_profile, 'of the run configuration');
  const names = {
    name: config.name || name,
    base_name: name,
    container_name: config.container_name || name,
  };
  const mounts = permission_profile ? { permission_profile: withAbsoluteSources(permission_profile) } : {};
  const reconciled = withReconciledIsolation(config, logger);
  if (isIsolated(reconciled) && runtime.runs === 'images' && config.publish.length > 0) {
    logger.warn('published ports of an isolated server are not reachable', {
      ports: config.publish.join(', '),
    });
  }
  return { name, config: { ...reconciled, ...names, ...mounts } };
}

/** The document with ports that are free now. Throws `ERR_PORT_UNAVAILABLE`. */
export async function withFreePorts(
  config: RunConfig,
  reservedPorts: ReadonlySet<number>,
): Promise<RunConfig> {
  const { transport } = config;
  const port = config.port || (await findFreePort(reservedPorts));
  if (!(await isPortAvailable(port))) throw new ThvError('ERR_PORT_UNAVAILABLE', { port });
  const target_port =
    transport === 'stdio' || config.target_port !== 0
      ? config.target_port
      : await findFreePort(new Set([...reservedPorts, port]));
  return {
    ...config,
    port,
    target_port,
    container_labels: {
      ...config.container_labels,
      ...standardLabels({
        containerName: containerNameOf(config),
        baseName: baseNameOf(config),
        transport,
        port,
      }),
    },
  };
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_RUN_CONFIG_INVALID', { reason });
}
