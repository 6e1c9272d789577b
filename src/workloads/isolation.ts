import { ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { networkPolicyOf, type PermissionProfile, type RunConfig } from '../records/index.ts';
import type { RequestedIsolation } from './run-request.ts';

const REMEDY =
  'use a bridge network mode to keep enforced isolation, or pass --isolate-network=false to keep';

/**
 * Whether a server with this profile runs isolated (spec 03 §9.2). Throws `ERR_INPUT_INVALID` where isolation is required and the
 * network mode has none.
 */
export function reconcileIsolation(
  requested: RequestedIsolation,
  profile: PermissionProfile | null | undefined,
  logger: Logger,
): boolean {
  if (requested === 'none') return false;
  const { connection, mode } = networkPolicyOf(profile);
  if (connection === 'bridge') return true;
  if (connection === 'none') {
    logger.debug('network isolation is not needed without a network', { mode });
    return false;
  }
  if (requested === 'required') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `network isolation cannot be enforced with the resolved network mode "${mode}": ${REMEDY} "${mode}" networking`,
    });
  }
  logger.warn(`network isolation is not enforced with host/custom networking: ${REMEDY} it`, { mode });
  return false;
}

/** The document with the isolation that its network mode allows. */
export function withReconciledIsolation(config: RunConfig, logger: Logger): RunConfig {
  if (!config.isolate_network || config.remote_url) return config;
  return {
    ...config,
    isolate_network: reconcileIsolation('wanted', config.permission_profile, logger),
  };
}
