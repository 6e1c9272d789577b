import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { HttpClient } from '../net/index.ts';
import { startDeadline, unlessAborted } from '../platform/index.ts';

/** How long a run waits for news. */
const REFRESH_TIMEOUT_MS = 5000;
/** Longest file of the repository. */
const FILE_LIMIT_BYTES = 5_000_000;
const TARGET = 'trusted_root.json';

/** Files of a TUF repository by name (`root.json`, `timestamp.json`, …). */
export type Metadata = Readonly<Record<string, string>>;

interface Refreshed {
  readonly trusted_root: Record<string, unknown>;
  readonly metadata: Metadata;
}

interface RefreshOptions {
  readonly http: HttpClient;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/**
 * The newest trusted root of a TUF repository, verified from the metadata that was trusted so far (TUF specification, "Detailed client workflow"): signatures,
 * expiry and that no version goes back are the library's to check. It works in a folder of its own, so that a killed process leaves
 * nothing half written where it matters.
 */
export async function refreshTrustedRoot(
  url: string,
  trusted: Metadata,
  { http, signal, timeoutMs = REFRESH_TIMEOUT_MS }: RefreshOptions,
): Promise<Refreshed> {
  const [{ BaseFetcher, Updater }, { DownloadHTTPError }] = await Promise.all([
    import('tuf-js'),
    import('tuf-js/dist/error.js'),
  ]);
  using deadline = startDeadline({ signal, timeoutMs });
  const folder = await mkdtemp(join(tmpdir(), 'thv-trust-'));
  class GuardedFetcher extends BaseFetcher {
    override async fetch(address: string) {
      const { status, body } = await http.send(address, {
        headers: { Accept: '*/*' },
        maxBytes: FILE_LIMIT_BYTES,
        timeoutMs,
        redirects: 0,
        signal: deadline.signal,
      });
      // The chain of roots ends with a file that is not there, which the library knows by this error.
      if (status !== 200) throw new DownloadHTTPError(`${address} was not to be had`, status);
      return new Blob([body]).stream();
    }
  }
  try {
    await mkdir(join(folder, 'targets'));
    for (const [name, text] of Object.entries(trusted)) await writeFile(join(folder, name), text);
    const updater = new Updater({
      metadataBaseUrl: url,
      targetBaseUrl: `${url}/targets`,
      metadataDir: folder,
      targetDir: join(folder, 'targets'),
      fetcher: new GuardedFetcher(),
    });
    await unlessAborted(updater.refresh(), deadline.signal);
    const target = await unlessAborted(updater.getTargetInfo(TARGET), deadline.signal);
    if (target === undefined) throw new Error(`${url} has no ${TARGET}`);
    const path = await unlessAborted(updater.downloadTarget(target), deadline.signal);
    const trusted_root = v.parse(v.looseObject({}), JSON.parse(await readFile(path, 'utf8')));
    return { trusted_root, metadata: await readMetadata(folder) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readMetadata(folder: string): Promise<Metadata> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}
