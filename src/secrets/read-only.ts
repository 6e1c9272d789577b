import { ThvError } from '../errors/index.ts';
import type { SecretsStore } from './types.ts';

/** The half of a store that writes, for providers that only read. */
export function readOnly(provider: SecretsStore['type']): Pick<SecretsStore, 'set' | 'delete'> {
  return {
    async set() {
      throw new ThvError('ERR_SECRETS_UNSUPPORTED', { provider, operation: 'setting' });
    },
    async delete() {
      throw new ThvError('ERR_SECRETS_UNSUPPORTED', { provider, operation: 'deleting' });
    },
  };
}

/** The `list` of a provider that cannot tell what there is. */
export function unlistable(provider: SecretsStore['type']): SecretsStore['list'] {
  return async () => {
    throw new ThvError('ERR_SECRETS_UNSUPPORTED', { provider, operation: 'listing' });
  };
}

/** `hint`: what to do where nothing can be listed. */
export function notFound(secret: string, hint?: string): ThvError {
  return new ThvError('ERR_SECRET_NOT_FOUND', { secret }, hint === undefined ? {} : { hint });
}
