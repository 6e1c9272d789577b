import { messageOf } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { Environment } from '../types.ts';
import { createKernelKeyring } from './kernel.ts';
import { createSystemKeyring } from './system.ts';
import type { Keyring } from './types.ts';

interface KeyringOptions {
  readonly env: Environment;
  readonly logger: Logger;
  readonly platform?: NodeJS.Platform;
}

/**
 * The first store that works: the system's (Keychain, Credential Manager, Secret Service), on Linux else the kernel's user
 * keyring. `undefined` when none does, or when `TOOLHIVE_KEYRING` is `off`.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring | undefined> {
  for (const keyring of candidates(options)) {
    try {
      await keyring.probe();
      return keyring;
    } catch (error) {
      options.logger.debug('keyring not usable', { keyring: keyring.kind, error: messageOf(error) });
    }
  }
  return undefined;
}

function candidates({ env, platform = process.platform }: KeyringOptions): readonly Keyring[] {
  if (env['TOOLHIVE_KEYRING'] === 'off') return [];
  const system = createSystemKeyring(platform);
  return platform === 'linux' ? [system, createKernelKeyring()] : [system];
}
