import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { acquireLock, type Paths, writeFileAtomic } from '../platform/index.ts';
import { deriveKey, type FileContent, openSealed, seal } from './encrypted-file.ts';
import { notFound } from './read-only.ts';
import type { SecretsStore } from './types.ts';

const LOCK_TIMEOUT_MS = 5000;

/**
 * `<data>/toolhive/secrets_encrypted`, read again on every use and changed under its lock, so that any number of processes
 * share it. Throws `ERR_SECRETS_FILE_INVALID` when the password does not open the file.
 */
export async function openEncryptedStore(
  { data }: Pick<Paths, 'data'>,
  password: string,
): Promise<SecretsStore> {
  const path = join(data, 'secrets_encrypted');
  const key = await deriveKey(password);
  const read = async () => openSealed(await readBytes(path), key, path);

  async function change(apply: (secrets: Map<string, string>) => void): Promise<void> {
    using _lock = await acquireLock(`${path}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
    const content = await read();
    const secrets = new Map(content.secrets);
    apply(secrets);
    const changed: FileContent = { ...content, secrets };
    await writeFileAtomic(path, await seal(changed, key), { directoryMode: 0o700 });
  }

  await createEmpty(path);
  await read();
  return {
    type: 'encrypted',
    capabilities: { canRead: true, canWrite: true, canDelete: true, canList: true, canCleanup: true },
    async get(name) {
      requireName(name);
      const value = (await read()).secrets.get(name);
      if (value === undefined) throw notFound(name);
      return value;
    },
    async set(name, value) {
      requireName(name);
      await change((secrets) => void secrets.set(name, value));
    },
    async delete(name) {
      requireName(name);
      await change((secrets) => {
        if (!secrets.delete(name)) throw notFound(name);
      });
    },
    async list() {
      return [...(await read()).secrets.keys()].sort().map((key) => ({ key }));
    },
  };
}

function requireName(name: string): void {
  if (name === '')
    throw new ThvError('ERR_SECRET_NAME_INVALID', { secret: name, reason: 'secret name cannot be empty' });
}

async function createEmpty(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unreadable(path, error);
  }
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): ThvError {
  const reason = `failed to open secrets file ${path}: ${messageOf(error)}`;
  return new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
}
