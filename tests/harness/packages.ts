import { existsSync } from 'node:fs';

/** Debian packages, by a program that each brings. */
const PACKAGES: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  podman: 'podman',
  runc: 'runc',
  busybox: 'busybox-static',
  debootstrap: 'debootstrap',
  iptables: 'iptables',
  '/usr/lib/podman/netavark': 'netavark',
  '/usr/lib/podman/aardvark-dns': 'aardvark-dns',
  'docker-registry': 'docker-registry',
  'gnome-keyring-daemon': 'gnome-keyring',
  'secret-tool': 'libsecret-tools',
  'dbus-run-session': 'dbus',
  chromium: 'chromium',
  curl: 'curl',
  bwrap: 'bubblewrap',
  pasta: 'passt',
  'redis-server': 'redis-server',
};

/** Installs what the suites need and the machine lacks, on Debian as root; elsewhere nothing. */
export async function installPackages(report: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || Bun.which('apt-get') === null) return;
  const missing = Object.entries(PACKAGES).flatMap(([program, name]) =>
    (program.startsWith('/') ? existsSync(program) : Bun.which(program) !== null) ? [] : [name],
  );
  // Without an init system nobody has mounted the control groups that containers need.
  const needsControlGroups = !(await Bun.file('/proc/mounts').text()).includes(' /sys/fs/cgroup');
  if (needsControlGroups && Bun.which('cgroupfs-mount') === null) missing.push('cgroupfs-mount');
  if (missing.length > 0) {
    report(`installing ${missing.join(' ')}`);
    await apt('update', '-q');
    await apt('install', '-q', '-y', '--no-install-recommends', ...missing);
  }
  if (needsControlGroups) await Bun.$`cgroupfs-mount`.quiet();
  // As udev leaves it, where there is udev: every user may make interfaces in a network of its own.
  if (existsSync('/dev/net/tun')) await Bun.$`chmod 666 /dev/net/tun`.quiet().nothrow();
}

async function apt(...args: readonly string[]): Promise<void> {
  const command = Bun.$`apt-get ${[...args]}`.env({ ...process.env, DEBIAN_FRONTEND: 'noninteractive' });
  const { exitCode, stderr } = await command.quiet().nothrow();
  if (exitCode !== 0) throw new Error(`apt-get ${args[0]} failed: ${stderr}`);
}
