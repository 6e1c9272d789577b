import { ThvError } from '../../errors/index.ts';
import type { RuntimeServices } from '../runtime.ts';

/** What isolates containers: the sidecar that they share, or containers of their own as the reference has them. */
type NetworkProxy = 'sidecar' | 'squid';

/** By `TOOLHIVE_NETWORK_PROXY` (spec 03 §11). Throws `ERR_INPUT_INVALID`. */
export function networkProxyOf(env: RuntimeServices['env']): NetworkProxy {
  const value = env['TOOLHIVE_NETWORK_PROXY'] ?? '';
  switch (value) {
    case '':
    case 'builtin':
      return 'sidecar';
    case 'squid':
      return 'squid';
    case 'envoy':
      throw invalid(
        'failed to initialize network proxy: TOOLHIVE_NETWORK_PROXY=envoy is not supported by this version of thv',
      );
    default:
      throw invalid(
        `failed to initialize network proxy: unknown TOOLHIVE_NETWORK_PROXY value "${value}": supported values are "builtin" (default), "squid"`,
      );
  }
}

function invalid(reason: string): ThvError {
  return new ThvError(
    'ERR_INPUT_INVALID',
    { reason },
    { hint: 'unset TOOLHIVE_NETWORK_PROXY for what is built in' },
  );
}
