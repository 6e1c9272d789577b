import { existsSync, mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Size, ViewEntry } from '../filesystem-view.ts';
import { check, cString, libc, systemCall } from './calls.ts';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16_384;
const MS_SLAVE = 1 << 19;
const MNT_DETACH = 2;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_NOSUID = 2n;
const MOUNT_ATTR_NODEV = 4n;

/** Where the old files are seen from while the new ones are put together. */
const OLD = '/oldroot';
const NEW = '/newroot';
/** Room for the places that something is mounted at, and no more. */
const PLACES = 'size=4m,nr_inodes=16384';
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/**
 * Makes `view` all that this process sees of the file system. For a process alone in new user, mount and process id
 * namespaces; mounts and folders are gone with it.
 */
export function enterView(view: readonly ViewEntry[]): void {
  mount('none', '/', undefined, MS_REC | MS_SLAVE);
  const base = ['/tmp', '/mnt', '/run'].find((path) => existsSync(path)) ?? '/tmp';
  mount('tmpfs', base, 'tmpfs', MS_NOSUID | MS_NODEV, `mode=755,${PLACES}`);
  mkdirSync(join(base, OLD));
  mkdirSync(join(base, NEW));
  pivotRoot(base, join(base, OLD));
  mount('tmpfs', NEW, 'tmpfs', MS_NOSUID | MS_NODEV, `mode=755,${PLACES}`);
  for (const entry of view) place(entry);
  check(libc().umount2(cString(OLD), MNT_DETACH), 'leave the old files');
  changeFolder(NEW);
  // Onto itself: the old root lies above the new one, and is taken away from there.
  check(systemCall('pivot_root', cString('.'), cString('.')), 'change the root');
  check(libc().umount2(cString('.'), MNT_DETACH), 'leave the old root');
  changeFolder('/');
  setAttributes('/', MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0);
}

/** Gives a folder that is kept in memory a size, when it is in place already. */
export function resize(path: string, size: Size): void {
  mount('tmpfs', path, 'tmpfs', MS_REMOUNT | MS_NOSUID | MS_NODEV, optionsOf(size));
}

function optionsOf({ bytes, files }: Size): string {
  return `size=${bytes},nr_inodes=${files}`;
}

/** Sets the host name inside the namespace, which hides the name of the machine. */
export function takeHostName(name: string): void {
  check(libc().sethostname(cString(name), BigInt(name.length)), 'host name');
}

export function changeFolder(path: string): void {
  check(libc().chdir(cString(path)), `change to ${path}`);
}

function place(entry: ViewEntry): void {
  const target = NEW + entry.target;
  if (entry.type === 'bind') {
    bind(OLD + entry.source, target, entry.readOnly);
  } else if (entry.type === 'link') {
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(entry.to, target);
  } else if (entry.type === 'devices') {
    placeDevices(target);
  } else if (entry.type === 'hidden') {
    if (entry.isFolder) mount('tmpfs', target, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=755,size=4k,nr_inodes=2');
    else mount(`${OLD}/dev/null`, target, undefined, MS_BIND);
    setAttributes(target, MOUNT_ATTR_RDONLY, 0);
  } else if (entry.type === 'sealed') {
    setAttributes(target, MOUNT_ATTR_RDONLY, 0);
  } else {
    mkdirSync(target, { recursive: true });
    if (entry.type === 'processes') mount('proc', target, 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    else mount('tmpfs', target, 'tmpfs', MS_NOSUID | MS_NODEV, `mode=1777,${optionsOf(entry)}`);
  }
}

function bind(source: string, target: string, readOnly: boolean): void {
  const resolved = withinOldRoot(source);
  if (statSync(resolved).isDirectory()) mkdirSync(target, { recursive: true });
  else if (!existsSync(target)) {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, '');
  }
  mount(resolved, target, undefined, MS_BIND | MS_REC);
  const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (readOnly ? MOUNT_ATTR_RDONLY : 0n);
  setAttributes(target, attributes, AT_RECURSIVE);
}

/** An absolute link in the old files means a place in the old files, not in ours. */
function withinOldRoot(path: string): string {
  let resolved = OLD;
  let parts = path.slice(OLD.length).split('/').filter(Boolean);
  for (let links = 0; parts.length > 0; ) {
    const [part = '', ...rest] = parts;
    parts = rest;
    if (part === '.') continue;
    if (part === '..') {
      resolved = resolved === OLD ? OLD : dirname(resolved);
      continue;
    }
    const next = join(resolved, part);
    const link = readLink(next);
    if (link === undefined || ++links > 40) {
      resolved = next;
      continue;
    }
    if (link.startsWith('/')) resolved = OLD;
    parts = [...link.split('/').filter(Boolean), ...parts];
  }
  return resolved;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // no link
  }
}

function placeDevices(target: string): void {
  mkdirSync(target, { recursive: true });
  mount('tmpfs', target, 'tmpfs', MS_NOSUID | MS_NOEXEC, 'mode=755,size=64k,nr_inodes=64');
  for (const name of DEVICES) {
    if (!existsSync(`${OLD}/dev/${name}`)) continue;
    writeFileSync(`${target}/${name}`, '');
    mount(`${OLD}/dev/${name}`, `${target}/${name}`, undefined, MS_BIND);
  }
  for (const [name, to] of Object.entries({
    fd: '/proc/self/fd',
    stdin: '/proc/self/fd/0',
    stdout: '/proc/self/fd/1',
    stderr: '/proc/self/fd/2',
    ptmx: 'pts/ptmx',
  })) {
    symlinkSync(to, `${target}/${name}`);
  }
  mkdirSync(`${target}/pts`);
  mount('devpts', `${target}/pts`, 'devpts', MS_NOSUID | MS_NOEXEC, 'newinstance,ptmxmode=0666,mode=620');
}

function mount(source: string, target: string, type: string | undefined, flags: number, data?: string): void {
  const result = libc().mount(
    cString(source),
    cString(target),
    type === undefined ? null : cString(type),
    BigInt(flags),
    data === undefined ? null : cString(data),
  );
  check(result, `mount ${target.replace(NEW, '')}`);
}

/** Adds attributes to a mount, with `AT_RECURSIVE` to all mounts below it too (Linux 5.12). */
function setAttributes(path: string, attributes: bigint, flags: number): void {
  const request = new BigUint64Array([attributes, 0n, 0n, 0n]);
  check(
    systemCall('mount_setattr', AT_FDCWD, cString(path), flags, request, 32),
    `protect ${path.replace(NEW, '')}`,
  );
}

function pivotRoot(root: string, old: string): void {
  check(systemCall('pivot_root', cString(root), cString(old)), 'change the root');
  changeFolder('/');
}
