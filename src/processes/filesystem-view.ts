import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ThvError } from '../errors/index.ts';
import type { Mount } from '../sandbox/index.ts';

interface Bind {
  readonly type: 'bind';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** How much may be in a folder that is kept in memory. */
export interface Size {
  readonly bytes: number;
  /** Files, folders and links, each of which takes some memory of the kernel's. */
  readonly files: number;
}

/** One thing that a sandboxed process sees, in the order in which they are put in place. Paths are absolute. */
export type ViewEntry =
  | Bind
  /** Empty, in memory, gone with the process. */
  | ({ readonly type: 'scratch'; readonly target: string } & Size)
  | { readonly type: 'link'; readonly target: string; readonly to: string }
  | { readonly type: 'processes'; readonly target: string }
  /** Something of the kernel that looks empty. */
  | { readonly type: 'hidden'; readonly target: string; readonly isFolder: boolean }
  /** The mount at its place is read-only from here on. */
  | { readonly type: 'sealed'; readonly target: string }
  | { readonly type: 'devices'; readonly target: string };

interface ViewOptions {
  /** Seen at `WORK`, writable. */
  readonly workFolder: string;
  /** Seen where they are, read-only: package and runtime. */
  readonly readOnlyPaths: readonly string[];
  /** Generated files of `/etc`, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the permission profile grants, and what ignore files put over it. */
  readonly mounts: readonly Mount[];
  /** The executable that runs packages, seen as `bun` too, and as `node` unless there is another. */
  readonly executable: string;
  /** A Node of this machine. */
  readonly node?: string | undefined;
  /** What is `node` without one; it runs `NODE_RUNTIME`. */
  readonly nodeScript: string;
  /** The host's name service and hosts file, for a process on the host's network. */
  readonly hasHostNetwork: boolean;
}

/** Home and working folder of a sandboxed process. */
export const WORK = '/work';
/** Where the executable is seen, under each name a package may call it by. */
export const PROGRAMS = '/opt/thv/bin';
export const PROGRAM = `${PROGRAMS}/bun`;
/** The executable under the name by which it behaves as Node. */
export const NODE_RUNTIME = '/opt/thv/runtime/node';
/** Stands for the runtime's place in a sandbox, as the first word of a command. */
export const RUNTIME = 'bun';
const TEMPORARY_SIZE: Size = { bytes: 1024 ** 3, files: 131_072 };
/** Size of `/dev/shm`, the same as engines give a container. */
const SHARED_MEMORY: Size = { bytes: 64 * 1024 ** 2, files: 4096 };

/** What may be in the folders in memory at most. */
export const LARGEST: Readonly<Record<string, Size>> = {
  '/tmp': TEMPORARY_SIZE,
  '/var/tmp': TEMPORARY_SIZE,
  '/dev/shm': SHARED_MEMORY,
};

/** The system's programs and libraries, of any distribution. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];
/** Settings that libraries and TLS need; nothing else of `/etc` is seen, least of all private keys. */
const SETTINGS =
  `ld.so.cache ld.so.conf ld.so.conf.d alternatives localtime timezone mime.types protocols services terminfo
  ssl/certs ssl/cert.pem ssl/openssl.cnf pki/tls/certs pki/tls/cert.pem pki/tls/openssl.cnf pki/ca-trust/extracted
  ca-certificates crypto-policies`.split(/\s+/);
/** What of the kernel's memory, keys, timers and hardware Docker hides as well, and its log. */
const HIDDEN =
  `acpi asound interrupts kcore key-users keys kmsg latency_stats sched_debug scsi timer_list timer_stats`
    .split(' ')
    .map((name) => `/proc/${name}`);
const NETWORK_SETTINGS = ['resolv.conf', 'nsswitch.conf', 'hosts', 'gai.conf', 'host.conf'];

/**
 * All that a sandboxed process on Linux sees: the system's programs, a few of its settings, the package, a temporary folder,
 * its work folder, and what the profile grants. The home folder, sockets, and other processes are not part of it. Throws
 * `ERR_INPUT_INVALID` for a grant in whose place something is that no server runs without.
 */
export function linuxView(options: ViewOptions): readonly ViewEntry[] {
  const { workFolder, readOnlyPaths, settings, mounts, executable, hasHostNetwork } = options;
  const packages = withoutNested(readOnlyPaths.filter((path) => existsSync(path)));
  refuseHiding(mounts, [
    ...SYSTEM.filter((path) => existsSync(path)),
    '/etc',
    '/proc',
    '/dev',
    PROGRAM,
    ...packages,
  ]);
  const readOnlyAt = (path: string): Bind => ({
    type: 'bind',
    source: path,
    target: path,
    readOnly: true,
  });
  const etc = [...SETTINGS, ...(hasHostNetwork ? NETWORK_SETTINGS : [])]
    .filter((name) => !(name in settings))
    .map((name) => `/etc/${name}`);
  return [
    ...SYSTEM.flatMap((path) => systemFolder(path)),
    ...etc.filter((path) => existsSync(path)).map(settingsFile),
    ...Object.entries(settings).map(
      ([name, source]): ViewEntry => ({ type: 'bind', source, target: `/etc/${name}`, readOnly: true }),
    ),
    { type: 'processes', target: '/proc' },
    ...HIDDEN.flatMap((path) => hidden(path)),
    // Settings of the kernel are files of root's, and it may be root who starts a server.
    { type: 'sealed', target: '/proc' },
    { type: 'devices', target: '/dev' },
    ...Object.entries(LARGEST).map(([target, size]): ViewEntry => ({ type: 'scratch', target, ...size })),
    // Its devices can be written to, their folder not.
    { type: 'sealed', target: '/dev' },
    { type: 'bind', source: workFolder, target: WORK, readOnly: false },
    { type: 'bind', source: executable, target: PROGRAM, readOnly: true },
    ...Object.entries({ bunx: RUNTIME, thv: RUNTIME }).map(
      ([name, to]): ViewEntry => ({ type: 'link', target: join(PROGRAMS, name), to }),
    ),
    ...nodeEntries(options),
    ...packages.map(readOnlyAt),
    // Last, so that a grant is never hidden; outer folders first, so that an inner grant stands on top of them.
    ...[
      ...mounts.map(({ source, target, readOnly }): Bind => ({ type: 'bind', source, target, readOnly })),
      // A server that may write to the home folder must not write to the package in it.
      ...packages.filter((path) => mounts.some(({ target }) => isWithin(path, target))).map(readOnlyAt),
    ].sort((a, b) => a.target.length - b.target.length),
  ];
}

function nodeEntries({ node, nodeScript }: ViewOptions): readonly ViewEntry[] {
  const target = join(PROGRAMS, 'node');
  if (node !== undefined && node !== RUNTIME) return [{ type: 'link', target, to: node }];
  return [
    { type: 'link', target: NODE_RUNTIME, to: PROGRAM },
    { type: 'bind', source: nodeScript, target, readOnly: true },
  ];
}

/** A folder that is mounted at its own place hides nothing. */
function refuseHiding(mounts: readonly Mount[], needed: readonly string[]): void {
  for (const { source, target } of mounts) {
    const hidden = needed.find(
      (path) => isWithin(path, target) && join(source, relative(target, path)) !== path,
    );
    if (hidden === undefined) continue;
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `nothing can be mounted at ${target}: it would hide ${hidden}, which the server needs`,
    });
  }
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || `${path}/`.startsWith(`${folder}/`);
}

/** The paths that a view makes writable, as the process sees them. */
export function writablePaths(view: readonly ViewEntry[]): readonly string[] {
  return view.flatMap((entry) => {
    const isWritable =
      entry.type === 'scratch' || entry.type === 'devices' || (entry.type === 'bind' && !entry.readOnly);
    return isWritable ? [entry.target] : [];
  });
}

function hidden(path: string): readonly ViewEntry[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? [] : [{ type: 'hidden', target: path, isFolder: found.isDirectory() }];
}

function systemFolder(path: string): readonly ViewEntry[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isSymbolicLink()) return [{ type: 'link', target: path, to: readlinkSync(path) }];
  return [{ type: 'bind', source: path, target: path, readOnly: true }];
}

/** A settings file that is a link, such as `resolv.conf`, is seen as what it points to. */
function settingsFile(path: string): ViewEntry {
  return { type: 'bind', source: realpathSync(path), target: path, readOnly: true };
}

function withoutNested(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)];
  return unique.filter(
    (path) =>
      !unique.some((other) => other !== path && `${path}/`.startsWith(`${other}/`)) &&
      !SYSTEM.some((folder) => `${path}/`.startsWith(`${folder}/`) && dirname(folder) === '/'),
  );
}
