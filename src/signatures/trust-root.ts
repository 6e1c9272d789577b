import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { createHttpClient, type HttpClient } from '../net/index.ts';
import { type Logger, writeFileAtomic } from '../platform/index.ts';
import { type Metadata, refreshTrustedRoot } from './refresh-trust-root.ts';
import type { Thresholds } from './verify-bundle.ts';

const DAY_MS = 24 * 3_600_000;
/** How long it is not asked again after it could not be reached. */
const RETRY_MS = 3_600_000;

export interface Trust {
  readonly root: TrustedRoot;
  readonly thresholds: Thresholds;
}

interface Instance {
  readonly thresholds: Thresholds;
  /** What this executable was built with. */
  readonly shipped: () => Promise<Shipped>;
}

interface Shipped {
  /** `root.json`, which its updates start from. */
  readonly root: string;
  readonly trustedRoot: unknown;
}

const INSTANCES: Readonly<Record<string, Instance>> = {
  'tuf-repo-cdn.sigstore.dev': {
    thresholds: { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 },
    async shipped() {
      const seeds = (await import('@sigstore/tuf/seeds.json')).default['https://tuf-repo-cdn.sigstore.dev'];
      const text = (base64: string) => Buffer.from(base64, 'base64').toString();
      return {
        root: text(seeds['root.json']),
        trustedRoot: JSON.parse(text(seeds.targets['trusted_root.json'])),
      };
    },
  },
  // Its certificates are in no log; a time stamp says when they signed.
  'tuf-repo.github.com': {
    thresholds: { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 1 },
    async shipped() {
      const [{ default: root }, { default: trustedRoot }] = await Promise.all([
        import('./trust/github-root.json'),
        import('./trust/github-trusted-root.json'),
      ]);
      return { root: JSON.stringify(root), trustedRoot };
    },
  },
};
const PUBLIC_GOOD = 'tuf-repo-cdn.sigstore.dev';

const Kept = v.object({
  /** When its updates were last seen, and last asked for (ISO 8601). */
  checked_at: v.optional(v.string()),
  tried_at: v.string(),
  trusted_root: v.optional(v.looseObject({})),
  /** What was seen of the repository, by file name: anything older is not accepted any more. */
  metadata: v.record(v.string(), v.string()),
});
type Kept = v.InferOutput<typeof Kept>;

export interface TrustOptions {
  /** Where what was refreshed is kept. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly now?: () => number;
  /** Asks the repository; public addresses over TLS unless given. */
  readonly http?: HttpClient;
}

/**
 * Whom to trust for certificates of one Sigstore instance (`sigstore_url` of a registry entry; '' is the public one). Refreshed once a
 * day where it can be reached; otherwise what was had last, or what the executable ships, counts. Throws `ERR_IMAGE_UNVERIFIED` for
 * an unknown instance.
 */
export async function trustFor(sigstoreUrl: string, image: string, options: TrustOptions): Promise<Trust> {
  const host = sigstoreUrl.replace(/^https:\/\//, '').replace(/\/+$/, '') || PUBLIC_GOOD;
  const instance = Object.hasOwn(INSTANCES, host) ? INSTANCES[host] : undefined;
  if (instance === undefined) {
    const reason = `image verification failed: unknown trusted root: ${sigstoreUrl}`;
    throw new ThvError('ERR_IMAGE_UNVERIFIED', { image, reason });
  }
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  const newest = await newestTrustedRoot(host, await instance.shipped(), options);
  return { root: TrustedRoot.fromJSON(newest), thresholds: instance.thresholds };
}

async function newestTrustedRoot(host: string, shipped: Shipped, options: TrustOptions): Promise<unknown> {
  const { folder, env, logger, signal, now = Date.now } = options;
  const path = join(folder, `${host}.json`);
  const kept = await readKept(path, shipped, logger);
  const current = kept?.trusted_root ?? shipped.trustedRoot;
  const isRecent = (time: string | undefined, ms: number) => {
    const age = now() - Date.parse(time ?? '');
    return age >= 0 && age < ms; // a clock that was set back makes it old
  };
  if (isRecent(kept?.checked_at, DAY_MS) || isRecent(kept?.tried_at, RETRY_MS)) return current;
  const metadata: Metadata = kept?.metadata ?? { 'root.json': shipped.root };
  const tried_at = new Date(now()).toISOString();
  const http =
    options.http ?? createHttpClient({ allowPrivateAddresses: false, plainHttp: 'never', proxies: env });
  try {
    const refreshed = await refreshTrustedRoot(`https://${host}`, metadata, { http, signal });
    await keep(path, { checked_at: tried_at, tried_at, ...refreshed }, logger);
    return refreshed.trusted_root;
  } catch (error) {
    signal?.throwIfAborted();
    logger.debug('trust root not refreshed', { host, error: messageOf(error) });
    await keep(path, { ...kept, metadata, tried_at }, logger);
    return current;
  }
}

/** What was kept, unless this executable ships something newer. */
async function readKept(path: string, shipped: Shipped, logger: Logger): Promise<Kept | undefined> {
  try {
    const kept = v.parse(Kept, JSON.parse(await readFile(path, 'utf8')));
    return versionOf(kept.metadata['root.json'] ?? '') < versionOf(shipped.root) ? undefined : kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.debug('kept trust root cannot be read', { path, error: messageOf(error) });
    return undefined;
  }
}

function versionOf(root: string): number {
  return v.parse(v.object({ signed: v.object({ version: v.number() }) }), JSON.parse(root)).signed.version;
}

/** Nothing depends on it being kept. */
async function keep(path: string, kept: Kept, logger: Logger): Promise<void> {
  try {
    await writeFileAtomic(path, `${JSON.stringify(kept)}\n`, { directoryMode: 0o700 });
  } catch (error) {
    logger.debug('trust root not kept', { path, error: messageOf(error) });
  }
}
