import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pnpmWorkspace } from '../folder-settings/pnpm-workspace.ts';
import { hostsOf, type LeftOut } from '../folder-settings/setting.ts';
import { bunLockSources } from '../lock-files/bun-lock.ts';
import { npmLockSources } from '../lock-files/npm-lock.ts';
import { judgeNpmSource } from '../lock-files/npm-source.ts';
import { localPackages, packageJsonSources } from '../lock-files/package-json.ts';
import { pnpmLockSources } from '../lock-files/pnpm-lock.ts';
import { refuseSources, type Source, type SourceFile, understood } from '../lock-files/refuse.ts';
import { yarnLockSources } from '../lock-files/yarn-lock.ts';
import type { NpmSettings } from '../user-settings/npm.ts';
import { readText } from './program.ts';

const LOCK_FILES: Readonly<Record<string, (text: string) => Iterable<Source>>> = {
  'bun.lock': bunLockSources,
  'package-lock.json': npmLockSources,
  'npm-shrinkwrap.json': npmLockSources,
  'yarn.lock': yarnLockSources,
  'pnpm-lock.yaml': pnpmLockSources,
};
const WORKSPACE = 'pnpm-workspace.yaml';
/** Where lock files say that packages come from while they mean the registry in force, as npm understands it too. */
const PUBLIC_ARCHIVES = /https?:\/\/registry\.(?:npmjs\.org|yarnpkg\.com)\//g;
const MAX_MANIFESTS = 5000;

/**
 * Looks at all files in a copy that say where packages come from: manifests, those of workspaces and local packages included, and
 * every lock file, because the tool decides which of them it reads. Rewrites URLs that mean the registry in force. Throws
 * `ERR_FOLDER_UNUSABLE` with file and line.
 */
export function checkNodeSources(
  folder: string,
  copy: string,
  settings: NpmSettings,
): { readonly leftOut: readonly LeftOut[] } {
  const hosts = hostsOf(settings.registries);
  const judge = (source: Source) => judgeNpmSource(source, hosts);
  for (const file of manifestsIn(copy)) {
    refuseSources(
      folder,
      file,
      understood(folder, file, () => [...packageJsonSources(file.text, baseOf(file))]),
      judge,
    );
  }
  const leftOut = [...checkWorkspace(folder, copy, judge)];
  for (const [path, read] of Object.entries(LOCK_FILES)) {
    if (!existsSync(join(copy, path))) continue;
    const written = readText(join(copy, path));
    const text = written.replace(PUBLIC_ARCHIVES, settings.mainRegistry);
    const file = { path, text };
    refuseSources(
      folder,
      file,
      understood(folder, file, () => [...read(text)]),
      judge,
    );
    if (text !== written) writeFileSync(join(copy, path), text);
  }
  return { leftOut };
}

/** The manifest of the folder, of its workspaces, and of the packages that those take from the folder. */
function manifestsIn(copy: string): readonly SourceFile[] {
  const found = new Map<string, SourceFile>();
  const left = ['.'];
  for (let folder = left.pop(); folder !== undefined && found.size < MAX_MANIFESTS; folder = left.pop()) {
    const path = posix.join(folder, 'package.json');
    if (found.has(path) || path.startsWith('../') || !existsSync(join(copy, path))) continue;
    const text = readText(join(copy, path));
    found.set(path, { path, text });
    try {
      for (const pattern of localPackages(text)) left.push(...foldersFor(copy, posix.join(folder, pattern)));
    } catch {
      // not JSON, which is said when it is judged
    }
  }
  return [...found.values()];
}

/** `packages/*`, or a plain path. */
function foldersFor(copy: string, pattern: string): readonly string[] {
  if (pattern.startsWith('..')) return [];
  if (!/[*?{[]/.test(pattern)) return [pattern];
  const glob = new Bun.Glob(`${pattern.replace(/\/$/, '')}/package.json`);
  return [...glob.scanSync({ cwd: copy, onlyFiles: true })].map((path) => posix.dirname(path));
}

function* checkWorkspace(
  folder: string,
  copy: string,
  judge: (source: Source) => string | undefined,
): Generator<LeftOut> {
  if (!readdirSync(copy).includes(WORKSPACE)) return;
  const file: SourceFile = { path: WORKSPACE, text: readText(join(copy, WORKSPACE)) };
  const { text, asManifest, leftOut } = understood(folder, file, () => pnpmWorkspace(file));
  refuseSources(folder, file, packageJsonSources(asManifest, ''), judge);
  writeFileSync(join(copy, WORKSPACE), text);
  yield* leftOut;
}

function baseOf({ path }: SourceFile): string {
  return posix.dirname(path) === '.' ? '' : posix.dirname(path);
}
