import { isDeepStrictEqual } from 'node:util';
import { ThvError } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';

type Chain = RunConfig['middleware_configs'];

/**
 * The chain of a document with what its other keys ask for: one that was written by hand or by an operator may have the key
 * alone (spec 05 §19). Throws `ERR_RUN_CONFIG_INVALID` when both are there and do not say the same.
 */
export function storedChain(config: RunConfig): Chain {
  const { middleware_configs: chain, authz_config: data, authz_config_path: path = '' } = config;
  const locked = config.tools_locked ? [{ type: 'tool-lock', parameters: {} }] : [];
  const stored = chain.findLast(({ type }) => type === 'authorization');
  if (stored === undefined) {
    if (!data && path === '') return [...chain, ...locked];
    const parameters = { config_path: path, ...(data ? { config_data: data } : {}) };
    return [...chain, { type: 'authorization', parameters }, ...locked];
  }
  const { config_data: inChain } = (stored.parameters ?? {}) as { readonly config_data?: unknown };
  if (data && inChain && !isDeepStrictEqual(data, inChain)) {
    throw new ThvError(
      'ERR_RUN_CONFIG_INVALID',
      { reason: 'authz_config and middleware_configs hold different policies' },
      { hint: 'remove one of the two from the document' },
    );
  }
  return [...chain, ...locked];
}
