import { messageOf, ThvError } from '../../errors/index.ts';
import { readTextFile } from '../../platform/index.ts';
import { parseRegistry } from '../parse-registry.ts';
import type { Provider } from '../provider.ts';

/** A file in the upstream format, read on every use. */
export function createFileProvider(path: string): Provider {
  return {
    load: async () => parseRegistry(await readRegistryFile(path), { source: path }),
  };
}

async function readRegistryFile(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    const reason = `failed to read local registry file ${path}: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}
