import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, ThvError } from '../errors/index.ts';
import { type Logger, removeTree } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';
import {
  type HiddenBefore,
  type HiddenRecord,
  identityOf,
  readHiddenRecord,
  writeHiddenRecord,
} from './hidden-record.ts';
import { findIgnored, type IgnoredPath, readIgnoreFile } from './ignored-paths.ts';
import { findByIdentity } from './other-names.ts';
import type { Mount } from './permission-profile.ts';

/** Something empty that is mounted over what an ignore file names. */
export interface Overlay extends Mount {
  /** What it hides, on this machine. */
  readonly hidden: string;
}

interface OverlayOptions {
  /** Absent: as `run` has it when nothing is said. */
  readonly ignore: RunConfig['ignore_config'];
  /** `<config>/toolhive/thvignore` */
  readonly globalFile: string;
  /** Where the empty files and folders are kept, of one workload alone. They have the same names at every start. */
  readonly folder: string;
  readonly logger: Logger;
}

/**
 * Makes what is mounted over all that `.thvignore` in a mounted folder and the global ignore file name (spec 03 §6.2). What is
 * granted by a mount of its own is not hidden. Throws `ERR_OVERLAY_FAILED`: a server must not start that sees what it should not.
 */
export async function makeOverlays(
  mounts: readonly Mount[],
  options: OverlayOptions,
): Promise<readonly Overlay[]> {
  const { ignore, globalFile, folder, logger } = options;
  const general = (ignore?.LoadGlobal ?? true) ? await readIgnoreFile(globalFile) : [];
  const before = await readHiddenRecord(folder);
  const record: HiddenRecord = { ...before };
  const all: Overlay[] = [];
  for (const mount of mounts) {
    if (!(await isFolderAt(mount.source))) continue;
    const isWritten = await mayBeWritten(mount, mounts);
    const hidden = await hiddenIn(
      mount.source,
      general,
      isWritten ? before[mount.source] : undefined,
      logger,
    );
    if (isWritten && hidden.now.patterns.length + hidden.now.identities.length > 0)
      record[mount.source] = hidden.now;
    const overlays = await overMount(mount, mounts, hidden.paths, options);
    if (ignore?.PrintOverlays) print(mount, overlays, logger);
    all.push(...overlays);
  }
  if (!isDeepStrictEqual(record, before)) await writeHiddenRecord(folder, record);
  return all;
}

/**
 * What is to be hidden in a folder, and what is to be remembered of that. Where the server may write, the patterns of its earlier
 * starts hold as well, and what was hidden then is hidden wherever it is now, because the server could have changed the file.
 */
async function hiddenIn(
  source: string,
  general: readonly string[],
  before: HiddenBefore | undefined,
  logger: Logger,
): Promise<{ readonly paths: readonly IgnoredPath[]; readonly now: HiddenBefore }> {
  const local = await readIgnoreFile(join(source, '.thvignore'));
  const dropped = (before?.patterns ?? []).filter((pattern) => !local.includes(pattern));
  if (dropped.length > 0) {
    logger.warn('patterns that .thvignore had before still hold, because the server may write to it', {
      folder: source,
      patterns: dropped,
      remedy: 'to drop them, remove the workload and run it again',
    });
  }
  const own = [...local, ...dropped];
  const named = await findIgnored(source, [...general, ...own]);
  const root = await realpath(source);
  const identities = await identitiesOf(root, named);
  const elsewhere = new Set((before?.identities ?? []).filter((identity) => !identities.has(identity)));
  for (const { path, isFolder } of named) {
    // A second name of a hidden file would show what it holds.
    if (isFolder || (await stat(join(root, path))).nlink < 2) continue;
    elsewhere.add((await identityOf(join(root, path))) ?? '');
  }
  const isHidden = (path: string) => named.some(({ path: other }) => isWithin(path, other));
  const others = elsewhere.size === 0 ? [] : await findByIdentity(root, elsewhere, isHidden);
  const paths = [...named, ...others].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { paths, now: { patterns: own, identities: [...(await identitiesOf(root, paths))].sort() } };
}

async function identitiesOf(root: string, paths: readonly IgnoredPath[]): Promise<ReadonlySet<string>> {
  const identities = await Promise.all(paths.map(({ path }) => identityOf(join(root, path))));
  return new Set(identities.filter((identity) => identity !== undefined));
}

/** Through this mount, or through another one of the same files. */
async function mayBeWritten(mount: Mount, mounts: readonly Mount[]): Promise<boolean> {
  if (!mount.readOnly) return true;
  const folder = await realpath(mount.source);
  for (const other of mounts.filter(({ readOnly }) => !readOnly)) {
    const place = await realpath(other.source).catch(() => other.source);
    if (isWithin(place, folder) || isWithin(folder, place)) return true;
  }
  return false;
}

async function overMount(
  mount: Mount,
  mounts: readonly Mount[],
  hidden: readonly IgnoredPath[],
  { folder }: OverlayOptions,
): Promise<readonly Overlay[]> {
  const overlays: Overlay[] = [];
  for (const { path, isFolder } of hidden) {
    const target = posix.join(mount.target, path);
    // A mount further in stands between: what is there is that mount's, and not ours to hide.
    if (innermost(mounts, target) !== mount) continue;
    const source = isFolder ? join(folder, `folder-${shortHash(target)}`) : join(folder, 'empty-file');
    const original = join(mount.source, path);
    await makeEmpty(source, isFolder, original);
    if (isFolder) await makePlaces(source, target, mounts);
    // One empty file serves many mounts, so anything written to it would show up in all of them.
    overlays.push({ source, target, readOnly: mount.readOnly || !isFolder, hidden: original });
  }
  return overlays;
}

/** Where a workload keeps its overlays. */
export function overlayFolder(stateFolder: string, name: string): string {
  return join(stateFolder, 'overlays', name);
}

/** With all that a server wrote to folders it was given in place of hidden ones. */
export async function deleteOverlays(stateFolder: string, name: string): Promise<void> {
  await removeTree(overlayFolder(stateFolder, name));
}

/** Before a workload is made: what an earlier one of its name had hidden is not the new one's. Throws where that stays. */
export async function clearOverlays(stateFolder: string, name: string): Promise<void> {
  try {
    await deleteOverlays(stateFolder, name);
  } catch (error) {
    if (existsSync(overlayFolder(stateFolder, name))) throw error;
  }
}

function print(mount: Mount, overlays: readonly Overlay[], logger: Logger): void {
  if (overlays.length === 0) return;
  logger.info('Resolved overlays for mount', { bindMount: mount.source, containerPath: mount.target });
  for (const { target, source } of overlays) {
    logger.info('Overlay mount', { containerPath: target, hostPath: source });
  }
}

function innermost(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts
    .filter(({ target }) => isWithin(path, target))
    .reduce<Mount | undefined>(
      (best, mount) => (best === undefined || mount.target.length > best.target.length ? mount : best),
      undefined,
    );
}

function isWithin(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

async function makeEmpty(path: string, isFolder: boolean, hidden: string): Promise<void> {
  try {
    await mkdir(isFolder ? path : dirname(path), { recursive: true });
    if (!isFolder) await writeFile(path, '');
  } catch (error) {
    throw new ThvError('ERR_OVERLAY_FAILED', { path: hidden, reason: messageOf(error) }, { cause: error });
  }
}

/** A mount inside what is hidden needs a place, which could not be made in a folder that is mounted read-only. */
async function makePlaces(source: string, target: string, mounts: readonly Mount[]): Promise<void> {
  for (const mount of mounts.filter((other) => isWithin(other.target, target))) {
    const place = join(source, posix.relative(target, mount.target));
    await makeEmpty(place, await isFolderAt(mount.source), mount.source);
  }
}

async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // the mount itself reports what is wrong
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
