import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyPair } from '@tufjs/repo-mock/dist/key.js';
import {
  createRootMeta,
  createSnapshotMeta,
  createTargetsMeta,
  createTimestampMeta,
} from '@tufjs/repo-mock/dist/metadata.js';
import { collectTargets } from '@tufjs/repo-mock/dist/target.js';
import { silentLogger } from '../platform/index.ts';
import { refreshTrustedRoot } from './refresh-trust-root.ts';
import { trustFor } from './trust-root.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thv-trust-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const URL_OF_TESTS = 'https://tuf.test';

/** A repository that is asked through a client of ours; `change` answers otherwise for some files. */
function repositoryOf(
  content: object,
  change: (name: string) => string | number | undefined = () => undefined,
) {
  const keys = new KeyPair();
  const targets = [{ name: 'trusted_root.json', content: JSON.stringify(content) }];
  const targetsMeta = createTargetsMeta(collectTargets(targets), keys);
  const snapshotMeta = createSnapshotMeta(targetsMeta, keys);
  const timestampMeta = createTimestampMeta(snapshotMeta, keys);
  const files: Record<string, string> = {
    'timestamp.json': JSON.stringify(timestampMeta),
    'snapshot.json': JSON.stringify(snapshotMeta),
    'targets.json': JSON.stringify(targetsMeta),
    'targets/trusted_root.json': JSON.stringify(content),
  };
  const asked: string[] = [];
  return {
    asked,
    root: JSON.stringify(createRootMeta(keys)),
    /** `timestamp.json` of the same signer with another version. */
    timestampOf(version: number): string {
      Object.assign(timestampMeta.signed, { version });
      timestampMeta.sign((data) => keys.sign(data), false);
      return JSON.stringify(timestampMeta);
    },
    http: {
      async send(url: string) {
        const name = url.replace(/^https:\/\/[^/]+\//, '');
        asked.push(name);
        const changed = change(name) ?? files[name] ?? 404;
        const [status, body] = typeof changed === 'number' ? [changed, ''] : [200, changed];
        return { status, headers: new Headers(), body };
      },
    },
  };
}

const CONTENT = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  certificateAuthorities: [],
};

test('a refresh gives the newest trusted root and the metadata that the next one starts from', async () => {
  const { root, http } = repositoryOf(CONTENT);
  const { trusted_root, metadata } = await refreshTrustedRoot(URL_OF_TESTS, { 'root.json': root }, { http });
  expect(trusted_root).toEqual(CONTENT);
  expect(Object.keys(metadata).sort()).toEqual([
    'root.json',
    'snapshot.json',
    'targets.json',
    'timestamp.json',
  ]);
  const again = await refreshTrustedRoot(URL_OF_TESTS, metadata, { http });
  expect(again.trusted_root).toEqual(CONTENT);
});

test.each<[string, (name: string) => string | number | undefined]>([
  ['metadata of somebody else', (name) => (name === 'timestamp.json' ? strangersTimestamp() : undefined)],
  [
    'another trusted root than was signed',
    (name) => (name.startsWith('targets/') ? '{"mediaType":"x"}' : undefined),
  ],
  ['a missing snapshot', (name) => (name === 'snapshot.json' ? 404 : undefined)],
  ['an endless file', (name) => (name === 'timestamp.json' ? `"${'x'.repeat(100_000)}"` : undefined)],
])('a refresh refuses %s', async (_, change) => {
  const { root, http } = repositoryOf(CONTENT, change);
  await expect(refreshTrustedRoot(URL_OF_TESTS, { 'root.json': root }, { http })).rejects.toThrow();
});

function strangersTimestamp(): string {
  return repositoryOf({}).timestampOf(2);
}

test('a refresh refuses metadata older than what was seen before', async () => {
  const { root, timestampOf, http } = repositoryOf(CONTENT);
  const { metadata } = await refreshTrustedRoot(URL_OF_TESTS, { 'root.json': root }, { http });
  const seen = { ...metadata, 'timestamp.json': timestampOf(7) };
  await expect(refreshTrustedRoot(URL_OF_TESTS, seen, { http })).rejects.toThrow(/version/i);
});

test('what the executable ships counts where nothing can be reached, which is not asked again at once', async () => {
  for (const [host, authorities] of [
    ['', 'fulcio.sigstore.dev'],
    ['tuf-repo.github.com', 'fulcio.githubapp.com'],
  ] as const) {
    let asked = 0;
    const http = {
      async send() {
        asked += 1;
        return { status: 503, headers: new Headers(), body: '' };
      },
    };
    const options = { folder, env: {}, logger: silentLogger, http };
    const { root } = await trustFor(host, 'image', options);
    expect(root.certificateAuthorities.map(({ uri }) => uri).join()).toContain(authorities);
    expect(asked).toBe(1);
    await trustFor(host, 'image', options);
    expect(asked).toBe(1);
    await trustFor(host, 'image', { ...options, now: () => Date.now() + 2 * 3_600_000 });
    expect(asked).toBe(2);
    // A clock that was set back asks again too.
    await trustFor(host, 'image', { ...options, now: () => Date.now() - 86_400_000 });
    expect(asked).toBe(3);
    const path = join(folder, `${host || 'tuf-repo-cdn.sigstore.dev'}.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 100));
    expect((await trustFor(host, 'image', options)).root.certificateAuthorities.length).toBeGreaterThan(0);
  }
});

test('a repository that hangs is waited for no longer than it may be', async () => {
  const http = { send: () => new Promise<never>(() => undefined) };
  const { root } = repositoryOf(CONTENT);
  const begun = performance.now();
  await expect(
    refreshTrustedRoot(URL_OF_TESTS, { 'root.json': root }, { http, timeoutMs: 50 }),
  ).rejects.toThrow();
  expect(performance.now() - begun).toBeLessThan(2000);
});
