import { closeSync, existsSync, fstatSync, mkdirSync, openSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { messageOf, ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { check, cString, libc, systemCall } from './calls.ts';
import { isKernelInterface, mountAt, mountsBelow } from './mount-table.ts';
import { becomeUnprivileged, unprivilegedId } from './unprivileged.ts';

/** How the guard gets folders of root's in front of somebody who is not root; the mounts are its descriptors from `FIRST_STAGED` on. */
export interface StageOrder {
  /** Folder of this machine that they are put into, in a mount namespace of its own. */
  readonly place: string;
  readonly mounts: number;
  readonly id: number;
  readonly mayMakeNamespaces: boolean;
}

export interface Staging extends Disposable {
  readonly id: number;
  readonly place: string;
  /** Detached mounts, one for each source. */
  readonly mounts: readonly number[];
  /** Where a path of this machine is seen once it is staged; unchanged for one that is not. */
  pathOf(path: string): string;
}

export const FIRST_STAGED = 6;

const CLONE_NEWNS = 0x2_0000;
const MS_REC = 16_384;
const MS_PRIVATE = 1 << 18;
const MS_SLAVE = 1 << 19;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x10_0000n;
/** One of these is there, and holds nothing that a sandbox is made of. */
const PLACES = ['/mnt', '/media', '/srv', '/opt', '/tmp', '/run', '/home'];

interface StagingOptions {
  readonly sources: readonly string[];
  /** What has to stay where it is: programs, and what is seen of the system. */
  readonly untouched: readonly string[];
  /** Path of `unshare`, from util-linux or busybox. */
  readonly unshare: string | undefined;
  readonly logger: Logger;
}

/**
 * Mounts of `sources` in which what belongs to root belongs to the unprivileged user (mount_setattr(2), idmapped mounts). Throws
 * `ERR_SANDBOX_FAILED`, with the reason, where this machine or a file system cannot do that.
 */
export async function openStaging(options: StagingOptions): Promise<Staging> {
  const { sources, untouched, unshare, logger } = options;
  const id = unprivilegedId();
  if (id === undefined) throw cannot('there is no other user than root here');
  if (unshare === undefined) throw cannot('unshare is not installed');
  const isFree = (place: string) => !untouched.some((path) => `${path}/`.startsWith(`${place}/`));
  const place = PLACES.find((each) => existsSync(each) && isFree(each));
  if (place === undefined) throw cannot(`none of ${PLACES.join(', ')} is free`);
  const map = await idMapFor(id, unshare);
  using opened = new DisposableStack();
  const mounts = sources.map((source) => opened.adopt(cloneMounts(source, map, logger), closeSync));
  const owned = opened.move();
  return {
    id,
    place,
    mounts,
    pathOf(path) {
      const isAbove = (source: string) => path.startsWith(`${source}/`);
      const source = sources.find((each) => each === path) ?? sources.find(isAbove);
      if (source === undefined) return path;
      return join(place, String(sources.indexOf(source)), relative(source, path));
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function cannot(reason: string): ThvError {
  return new ThvError('ERR_SANDBOX_FAILED', { reason });
}

/** The user namespace that the kernel needs for a map. It stays open as long as this process lives, because every start uses it. */
let idMap: Promise<number> | undefined;

function idMapFor(id: number, unshare: string): Promise<number> {
  idMap ??= openIdMap(id, unshare).catch((error: unknown) => {
    idMap = undefined; // may be of the moment
    throw error;
  });
  return idMap;
}

async function openIdMap(id: number, unshare: string): Promise<number> {
  const child = Bun.spawn([unshare, '-U', 'sh', '-c', 'echo; read _'], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    const { done } = await child.stdout.getReader().read();
    if (done) throw cannot(`unshare: ${(await new Response(child.stderr).text()).trim()}`);
    // Root's files are the unprivileged user's, all others remain whose they are.
    const lines = `0 ${id} 1\n1 1 ${id - 1}\n`;
    for (const name of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${name}`, lines);
    return openSync(`/proc/${child.pid}/ns/user`, 'r');
  } catch (error) {
    throw cannot(messageOf(error));
  } finally {
    child.kill('SIGKILL');
  }
}

/** A detached copy of what is mounted at `source` and below. */
function cloneMounts(source: string, map: number, logger: Logger): number {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE;
  const fd = check(systemCall('open_tree', AT_FDCWD, cString(source), flags), `mount ${source}`);
  const mapIds = (path: string, extra: number) => {
    const request = new BigUint64Array([MOUNT_ATTR_IDMAP, 0n, BigInt(MS_PRIVATE), BigInt(map)]);
    return systemCall('mount_setattr', fd, cString(path), AT_EMPTY_PATH | extra, request, 32) === 0;
  };
  if (mapIds('', AT_RECURSIVE)) return fd;
  const real = realpathSync(source);
  const { type } = mountAt(real);
  // What the kernel shows of itself is nobody's to write to but root's, and so stays as it is.
  if (!mapIds('', 0) && !isKernelInterface(type)) {
    closeSync(fd);
    throw cannot(`${source} is on a file system (${type}) that cannot be shown to another user`);
  }
  for (const below of mountsBelow(real)) {
    if (mapIds(relative(real, below.path), 0) || isKernelInterface(below.type)) continue;
    logger.warn('only what everybody may do can be done in a mount below a granted folder', {
      path: below.path,
      fileSystem: below.type,
    });
  }
  return fd;
}

/** In the guard: puts the mounts in place, seen by this process and what it becomes only, which then is not root any more. */
export function takeStage({ place, mounts, id, mayMakeNamespaces }: StageOrder): void {
  check(systemCall('unshare', CLONE_NEWNS), 'mount namespace');
  mount('none', '/', undefined, MS_REC | MS_SLAVE);
  mount('tmpfs', place, 'tmpfs', MS_NOSUID | MS_NODEV);
  for (let index = 0; index < mounts; index++) {
    const [fd, target] = [FIRST_STAGED + index, join(place, String(index))];
    if (fstatSync(fd).isDirectory()) mkdirSync(target);
    else writeFileSync(target, '');
    const [none, to] = [cString(''), cString(target)];
    const moved = systemCall('move_mount', fd, none, AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
    check(moved, `mount ${target}`);
  }
  becomeUnprivileged(id, mayMakeNamespaces);
}

function mount(source: string, target: string, type: string | undefined, flags: number): void {
  const result = libc().mount(
    cString(source),
    cString(target),
    type === undefined ? null : cString(type),
    BigInt(flags),
    cString(type === undefined ? '' : 'mode=755'),
  );
  check(result, `mount ${target}`);
}
