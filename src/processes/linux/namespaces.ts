import type { Backend } from './start.ts';

/** The kernel's own means: `unshare` of util-linux (or busybox) makes the namespaces, our launcher puts the view in place. */
export function namespaces(unshare: string, self: readonly string[]): Backend {
  return {
    makesView: false,
    command: (launcher, { ownNetwork }) => [
      ...self,
      ...['__sandbox', 'guard', String(process.pid), unshare],
      // Short forms, which busybox knows as well: user with root mapped, mount, pid with fork, ipc, uts.
      ...['-U', '-r', '-m', '-p', '-f', '-i', '-u'],
      ...(ownNetwork ? ['-n'] : []),
      '--',
      ...launcher,
    ],
  };
}
