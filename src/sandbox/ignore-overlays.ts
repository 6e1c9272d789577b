import { createHash } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { type Logger, removeTree } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';
import { findIgnored, readIgnoreFile } from './ignored-paths.ts';
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
  const { ignore, globalFile, logger } = options;
  const general = (ignore?.LoadGlobal ?? true) ? await readIgnoreFile(globalFile, logger) : [];
  const all: Overlay[] = [];
  for (const mount of mounts) {
    const overlays = await overMount(mount, mounts, general, options);
    if (ignore?.PrintOverlays) print(mount, overlays, logger);
    all.push(...overlays);
  }
  return all;
}

async function overMount(
  mount: Mount,
  mounts: readonly Mount[],
  general: readonly string[],
  { folder, logger }: OverlayOptions,
): Promise<readonly Overlay[]> {
  if (!(await isFolderAt(mount.source))) return [];
  const patterns = [...general, ...(await readIgnoreFile(join(mount.source, '.thvignore'), logger))];
  const overlays: Overlay[] = [];
  for (const { path, isFolder } of await findIgnored(mount.source, patterns)) {
    const target = posix.join(mount.target, path);
    // A mount further in stands between: what is there is that mount's, and not ours to hide.
    if (innermost(mounts, target) !== mount) continue;
    const source = isFolder ? join(folder, `folder-${shortHash(target)}`) : join(folder, 'empty-file');
    const hidden = join(mount.source, path);
    await makeEmpty(source, isFolder, hidden);
    if (isFolder) await makePlaces(source, target, mounts);
    // One empty file serves many mounts, so anything written to it would show up in all of them.
    overlays.push({ source, target, readOnly: mount.readOnly || !isFolder, hidden });
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
