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
  const install = commandFor(osRelease, 'bubblewrap');
  return `install bubblewrap (${install}), or use --no-sandbox to run it with all of your rights`;
}

/** What a machine lacks on which a profile that allows all opens the machine itself. */
export function openNetworkHint(osRelease: string): string {
  return `install passt (${commandFor(osRelease, 'passt')}) to keep them out of reach, or give a permission profile that lists hosts`;
}

type Package = 'bubblewrap' | 'passt';

const COMMANDS: readonly (readonly [RegExp, (name: Package) => string])[] = [
  [/^(?:debian|ubuntu|linuxmint|pop|raspbian|kali)$/, (name) => `apt install ${name}`],
  [/^(?:fedora|rhel|centos|rocky|almalinux|amzn|ol)$/, (name) => `dnf install ${name}`],
  [/^(?:opensuse.*|suse|sles|sled)$/, (name) => `zypper install ${name}`],
  [/^(?:arch|manjaro|endeavouros)$/, (name) => `pacman -S ${name}`],
  [/^(?:alpine|postmarketos)$/, (name) => `apk add ${name}`],
  [/^void$/, (name) => `xbps-install ${name}`],
  [/^gentoo$/, (name) => `emerge ${name === 'passt' ? 'net-misc' : 'sys-apps'}/${name}`],
  [/^nixos$/, (name) => `nix-env -iA nixos.${name}`],
];

function commandFor(osRelease: string, name: Package): string {
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(osRelease)?.[1] ?? '';
  // A derivative names what it derives from.
  for (const id of [value('ID'), ...value('ID_LIKE').split(/\s+/)]) {
    const found = COMMANDS.find(([pattern]) => pattern.test(id));
    if (found !== undefined) return found[1](name);
  }
  return `the package is called ${name} in most distributions`;
}
