/** The package that brings a sandbox, for the distribution found. `osRelease` is the text of /etc/os-release. */
export function sandboxHint(platform: NodeJS.Platform, osRelease: string): string {
  if (platform === 'win32') {
    return 'Windows has no sandbox that a program can set up without an administrator: run it in a container, or use --no-sandbox to run it with all of your rights';
  }
  if (platform === 'darwin') {
    return '/usr/bin/sandbox-exec is missing or does not work: run it in a container, or use --no-sandbox to run it with all of your rights';
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
