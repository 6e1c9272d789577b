interface MachineFacts {
  readonly platform: NodeJS.Platform;
  /** Text of /etc/os-release; '' where there is none. */
  readonly osRelease: string;
  /** Bubblewrap is there, and was refused something. */
  readonly hasBubblewrap: boolean;
}

/** What a machine without a sandbox lacks: the package that brings one, for the distribution found, or a right. */
export function sandboxHint({ platform, osRelease, hasBubblewrap }: MachineFacts): string {
  if (platform === 'win32') {
    return 'Windows has no sandbox that a program can set up without an administrator: run it in a container, or use --no-sandbox to run it with all of your rights';
  }
  if (platform === 'darwin') {
    return '/usr/bin/sandbox-exec is missing or does not work: run it in a container, or use --no-sandbox to run it with all of your rights';
  }
  if (hasBubblewrap) {
    // Ubuntu since 23.10, containers, and hardened kernels refuse them.
    return 'allow user namespaces for ordinary users (sysctl kernel.apparmor_restrict_unprivileged_userns=0, kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; in a container, a security profile that permits them), or use --no-sandbox to run it with all of your rights';
  }
  const install = commandFor(osRelease);
  return `install bubblewrap (${install}), or use --no-sandbox to run it with all of your rights`;
}

const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/^(?:debian|ubuntu|linuxmint|pop|raspbian|kali)$/, 'apt install bubblewrap'],
  [/^(?:fedora|rhel|centos|rocky|almalinux|amzn|ol)$/, 'dnf install bubblewrap'],
  [/^(?:opensuse.*|suse|sles|sled)$/, 'zypper install bubblewrap'],
  [/^(?:arch|manjaro|endeavouros)$/, 'pacman -S bubblewrap'],
  [/^(?:alpine|postmarketos)$/, 'apk add bubblewrap'],
  [/^void$/, 'xbps-install bubblewrap'],
  [/^gentoo$/, 'emerge sys-apps/bubblewrap'],
  [/^nixos$/, 'nix-env -iA nixos.bubblewrap'],
];

function commandFor(osRelease: string): string {
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  // A derivative names what it derives from.
  for (const id of [value('ID'), ...value('ID_LIKE').split(/\s+/)]) {
    const found = COMMANDS.find(([pattern]) => pattern.test(id));
    if (found !== undefined) return found[1];
  }
  return 'the package is called bubblewrap in most distributions';
}
