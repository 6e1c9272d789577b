import { ThvError } from '../errors/index.ts';
import {
  formatSecretParameter,
  parseWorkloadName,
  type RunConfig,
  requireSoundConfig,
} from '../records/index.ts';
import type { ContainerEntry } from '../registry/index.ts';
import { checkUpgrade, missingVariables, targetOf } from './check-upgrade.ts';
import type { Context } from './context.ts';
import { exchangeConfig } from './edit.ts';
import { fillEnvironment } from './fill-environment.ts';
import { makeRunnable } from './make-runnable.ts';
import type { OperationOptions, RunInteraction, UpgradeCheck, UpgradeRequest } from './types.ts';

/**
 * Gives a workload the image that the registry has now; everything else stays (spec 02 §12). Nothing is touched until the image
 * is there. Throws what keeps it from being prepared, and `ERR_WORKLOAD_START_FAILED` when the old one had to be put back.
 */
export async function applyUpgrade(
  context: Context,
  rawName: string,
  request: UpgradeRequest,
  options: OperationOptions & RunInteraction,
): Promise<UpgradeCheck> {
  const name = parseWorkloadName(rawName);
  const check = await checkUpgrade(context, name, options);
  if (check.status !== 'upgrade-available') return check;
  const registry = await context.registry();
  const entry = await registry.find(check.registry_server ?? '', options);
  if (entry.kind !== 'container') return check;
  const { kind, location } = await registry.source();
  const origin = {
    registry_api_url: kind === 'api' ? location : undefined,
    registry_url: kind === 'url' ? location : undefined,
  };
  const present = await context.runConfigs.get(name);
  const config = {
    ...(await withVariables(context, present, entry, request, options)),
    ...origin,
    image: entry.image,
  };
  requireSoundConfig(config);
  const runnable = await makeRunnable(context, { config }, options);
  const problem = await exchangeConfig(context, name, runnable);
  if (problem !== undefined)
    throw new ThvError('ERR_WORKLOAD_START_FAILED', { workload: name, reason: problem });
  return checkUpgrade(context, name, options);
}

/** The user's values over the old ones, and values for what only the new image asks for. Throws `ERR_VARIABLES_MISSING`. */
async function withVariables(
  context: Context,
  present: RunConfig,
  entry: ContainerEntry,
  { environment, secrets: given }: UpgradeRequest,
  options: OperationOptions & RunInteraction,
): Promise<RunConfig> {
  const covered = new Set(present.secrets.map(targetOf));
  const added = given.filter(({ target }) => !covered.has(target)).map(formatSecretParameter);
  const env_vars = { ...present.env_vars, ...environment };
  const secrets = [...present.secrets, ...added];
  const missing = missingVariables({ env_vars, secrets }, entry);
  const filled = await fillEnvironment(context, missing, new Set(), options);
  return {
    ...present,
    env_vars: { ...filled.environment, ...env_vars },
    secrets: [...secrets, ...filled.secrets.map(formatSecretParameter)],
  };
}
