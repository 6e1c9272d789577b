import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Logger, type Paths, writeFileAtomic } from '../platform/index.ts';
import type { RegistryContent } from './content.ts';
import { fromLegacy, toLegacy } from './legacy-format.ts';

const MAX_FILE_BYTES = 10 * 1024 * 1024;
const MAX_FOLDER_BYTES = 50 * 1024 * 1024;
const MAX_AGE_MS = 7 * 24 * 3_600_000;
/** Other files in the folder are none of ours (spec 08 §9.17). */
const OURS = /^registry-[0-9a-f]{8}\.json$/;

export interface CachedContent {
  readonly content: RegistryContent;
  /** When it was fetched, milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** Beside the legacy layout, whose readers ignore other keys: a list from the cache tells of them as the first one did. */
const Skipped = v.object({
  skipped: v.nullish(v.array(v.object({ name: v.string(), reason: v.string() })), () => []),
});

/** What an API registry said last, in the legacy layout (spec 08 §1.3). Nothing that fails here fails a command. */
export interface DiskCache {
  /** The cached content, unless it is older than a week. */
  read(): Promise<CachedContent | undefined>;
  write(content: RegistryContent): Promise<void>;
  delete(): Promise<void>;
}

export function createDiskCache(paths: Pick<Paths, 'cache'>, apiUrl: string, logger: Logger): DiskCache {
  const folder = join(paths.cache, 'cache');
  const file = join(folder, `registry-${shortHash(apiUrl)}.json`);
  return {
    async read() {
      try {
        const { mtimeMs, size } = await stat(file);
        if (size > MAX_FILE_BYTES || Date.now() - mtimeMs > MAX_AGE_MS)
          throw new Error('too large or too old');
        const document: unknown = JSON.parse(await readFile(file, 'utf8'));
        const content = { ...fromLegacy(document), ...v.parse(Skipped, document) };
        return { content, fetchedAt: mtimeMs };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        logger.debug('registry cache is not usable', { path: file, error });
        await rm(file, { force: true }).catch(() => undefined); // one that cannot be deleted will be found unusable again
        return undefined;
      }
    },
    async write(content) {
      try {
        const text = JSON.stringify({ ...toLegacy(content), skipped: content.skipped }, undefined, 2);
        if (Buffer.byteLength(text) > MAX_FILE_BYTES)
          return logger.debug('registry is too large to be cached');
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFileAtomic(file, text);
        await tidy(folder);
      } catch (error) {
        logger.debug('failed to cache the registry', { path: file, error });
      }
    },
    delete: () => rm(file, { force: true }),
  };
}

/** First 8 hexadecimal digits of SHA-256: enough to tell a user's registries apart. */
export function shortHash(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 8);
}

/** Old files go, and the oldest until the rest fits. */
async function tidy(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => OURS.test(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const { mtimeMs, size } = await stat(join(folder, name));
      return { path: join(folder, name), mtimeMs, size };
    }),
  );
  let total = 0;
  for (const { path, mtimeMs, size } of files.sort((one, other) => other.mtimeMs - one.mtimeMs)) {
    total += size;
    if (total > MAX_FOLDER_BYTES || Date.now() - mtimeMs > MAX_AGE_MS) await rm(path, { force: true });
  }
}
