import { readFileSync } from 'node:fs';

/** A mount of this process's namespace. */
interface MountedAt {
  readonly path: string;
  /** Type of its file system: `ext4`, `proc`. */
  readonly type: string;
}

/** File systems that show and set what the kernel does; nothing is kept in them. */
const KERNEL_INTERFACES =
  /^(?:proc|sysfs|cgroup2?|debugfs|tracefs|securityfs|configfs|bpf|pstore|efivarfs|fusectl|binfmt_misc|selinuxfs|smackfs|devtmpfs|nfsd|rpc_pipefs|resctrl|nsfs)$/;

export function isKernelInterface(type: string): boolean {
  return KERNEL_INTERFACES.test(type);
}

/** The mount that a real path is in. */
export function mountAt(path: string): MountedAt {
  return readTable()
    .filter((mount) => mount.path === '/' || `${path}/`.startsWith(`${mount.path}/`))
    .reduce(
      // When two are mounted at one place, the later one is seen.
      (best, mount) => (mount.path.length >= best.path.length ? mount : best),
      { path: '', type: 'unknown' },
    );
}

/** All mounts below a real path, that of the path itself excepted. */
export function mountsBelow(path: string): readonly MountedAt[] {
  const folder = path === '/' ? '/' : `${path}/`;
  return readTable().filter((mount) => mount.path !== path && mount.path.startsWith(folder));
}

/** proc_pid_mountinfo(5). */
function readTable(): readonly MountedAt[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      return { path: withoutEscapes(before.split(' ')[4] ?? ''), type: after.split(' ')[0] ?? '' };
    });
}

/** Spaces and their like are written as three octal digits. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
