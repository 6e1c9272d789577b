import type { NamespaceMaker } from './namespace-maker.ts';

/** The kernel's own means: `unshare` of util-linux (or busybox) makes the namespaces, our launcher puts the view in place. */
export function namespaces(unshare: string): NamespaceMaker {
  return {
    program: unshare,
    makesView: false,
    needsGuard: true,
    keepsCapability: true,
    command: (launcher, { ownNetwork }) => [
      unshare,
      // Short forms, which busybox knows as well: user with root mapped, mount, pid with fork, ipc, uts.
      ...['-U', '-r', '-m', '-p', '-f', '-i', '-u'],
      ...(ownNetwork ? ['-n'] : []),
      '--',
      ...launcher,
    ],
  };
}
