import gt from 'semver/functions/gt';
import valid from 'semver/functions/valid';
import { type ImageReference, isLatest, parseImageReference } from '../engine/index.ts';
import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import { findSecretParameter, parseWorkloadName, type RunConfig } from '../records/index.ts';
import type { ContainerEntry, EntryVariable, RegistryEntry } from '../registry/index.ts';
import type { Context } from './context.ts';
import { listWorkloads } from './list.ts';
import type { OperationOptions, UpgradeCheck } from './types.ts';

/** Whether the registry has a newer image for a workload (spec 02 §12); nothing is pulled. Throws `ERR_RUN_CONFIG_NOT_FOUND`, `ERR_REGISTRY_UNAVAILABLE`. */
export async function checkUpgrade(
  context: Context,
  rawName: string,
  options: OperationOptions = {},
): Promise<UpgradeCheck> {
  return checkConfig(context, await context.runConfigs.get(parseWorkloadName(rawName)), options);
}

/** The same for several; one whose document cannot be read is left out. Throws `ERR_REGISTRY_UNAVAILABLE`. */
export async function checkUpgrades(
  context: Context,
  query: { readonly all: boolean; readonly group?: string | undefined },
  options: OperationOptions = {},
): Promise<readonly UpgradeCheck[]> {
  const checks: UpgradeCheck[] = [];
  for (const { name } of await listWorkloads(context, query, options)) {
    const config = await context.runConfigs.find(parseWorkloadName(name)).catch(() => undefined); // told by the list
    if (config !== undefined) checks.push(await checkConfig(context, config, options));
  }
  return checks;
}

async function checkConfig(
  context: Context,
  config: RunConfig,
  { signal }: OperationOptions,
): Promise<UpgradeCheck> {
  const { name, image, registry_server_name: server } = config;
  if (!server) return { workload_name: name, status: 'not-registry-sourced' };
  const known = { workload_name: name, registry_server: server, current_image: image };
  const entry = await findEntry(context, server, signal);
  if (entry === undefined) return { ...known, status: 'server-not-found' };
  if (entry.kind !== 'container') {
    const reason = `registry entry "${server}" is not a container image (cannot determine upgrade)`;
    return { ...known, status: 'unknown', reason };
  }
  const compared = { ...known, candidate_image: entry.image, ...compareImages(image, entry.image) };
  return compared.status === 'upgrade-available' ? { ...compared, ...driftOf(config, entry) } : compared;
}

async function findEntry(
  context: Context,
  server: string,
  signal: AbortSignal | undefined,
): Promise<RegistryEntry | undefined> {
  try {
    return await (await context.registry()).find(server, { signal });
  } catch (error) {
    if (hasCode(error, 'ERR_SERVER_NOT_FOUND')) return undefined;
    throw new ThvError('ERR_REGISTRY_UNAVAILABLE', {
      reason: `registry lookup failed: ${toThvError(error).message}`,
    });
  }
}

/** By tags of one repository; what cannot be ordered is not guessed at. */
export function compareImages(current: string, candidate: string): Pick<UpgradeCheck, 'status' | 'reason'> {
  const unknown = (reason: string) => ({ status: 'unknown' as const, reason });
  let pair: readonly [ImageReference, ImageReference];
  try {
    pair = [parseImageReference(current), parseImageReference(candidate)];
  } catch {
    return unknown('image references cannot be parsed');
  }
  const [from, to] = pair;
  if (from.digest !== undefined || to.digest !== undefined) return unknown('images are named by digest');
  if (from.registry !== to.registry || from.repository !== to.repository)
    return unknown('repositories differ');
  if (isLatest(from) || isLatest(to)) return unknown('the tag latest says nothing about the version');
  if (from.tag === to.tag) return { status: 'up-to-date' };
  const [old, next] = [versionOf(from.tag), versionOf(to.tag)];
  if (old === null || next === null) return unknown('tags are not versions');
  return { status: gt(next, old) ? 'upgrade-available' : 'up-to-date' };
}

function versionOf(tag = ''): string | null {
  return valid(tag.replace(/^v/i, ''));
}

/** What the candidate asks for that the workload does not have. */
function driftOf(
  config: RunConfig,
  entry: ContainerEntry,
): Pick<UpgradeCheck, 'env_var_drift' | 'config_drift'> {
  const added = missingVariables(config, entry).map(shown);
  const [from, to] = [config.permission_profile?.name, entry.permissions?.name];
  const drift = {
    ...(entry.transport && entry.transport !== config.transport
      ? { transport: { from: config.transport, to: entry.transport } }
      : {}),
    ...(from && to && from !== to ? { permission_profile: { from, to } } : {}),
  };
  return {
    ...(added.length > 0 ? { env_var_drift: { added } } : {}),
    ...(Object.keys(drift).length > 0 ? { config_drift: drift } : {}),
  };
}

/** Declared by the entry, and neither a variable of the workload nor the target of a secret. */
export function missingVariables(
  { env_vars, secrets }: Pick<RunConfig, 'env_vars' | 'secrets'>,
  entry: ContainerEntry,
): readonly EntryVariable[] {
  const given = new Set([...Object.keys(env_vars), ...secrets.map(targetOf)]);
  return entry.env_vars.filter(({ name }) => !given.has(name));
}

/** Variable that a secret fills; '' for a reference of another form. */
export function targetOf(parameter: string): string {
  return findSecretParameter(parameter)?.target ?? '';
}

/** Never the default of a secret. */
function shown({ name, description, required, secret, default: value }: EntryVariable) {
  return {
    name,
    ...(description ? { description } : {}),
    required,
    ...(secret ? { secret } : {}),
    ...(value && !secret ? { default: value } : {}),
  };
}
