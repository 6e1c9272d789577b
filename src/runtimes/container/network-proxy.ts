import { ThvError } from '../../errors/index.ts';
import type { RuntimeServices } from '../runtime.ts';

/** What isolates containers: the containers of the reference. */
type NetworkProxy = 'squid';

/** By `TOOLHIVE_NETWORK_PROXY` (spec 03 §11). Throws `ERR_INPUT_INVALID`. */
export function networkProxyOf(env: RuntimeServices['env']): NetworkProxy {
  const value = env['TOOLHIVE_NETWORK_PROXY'] ?? '';
  switch (value) {
    case '':
    case 'squid':
      return 'squid';
    case 'envoy':
      throw invalid(
        'failed to initialize network proxy: TOOLHIVE_NETWORK_PROXY=envoy is not supported by this version of thv',
      );
    default:
      throw invalid(
        `failed to initialize network proxy: unknown TOOLHIVE_NETWORK_PROXY value "${value}": supported values are "squid" (default)`,
      );
  }
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason }, { hint: 'unset TOOLHIVE_NETWORK_PROXY' });
}
