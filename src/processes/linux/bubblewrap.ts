import type { ViewEntry } from '../filesystem-view.ts';
import { HOST_NAME } from './launcher.ts';
import type { NamespaceMaker } from './namespace-maker.ts';

/** Bubblewrap at `path`: it makes namespaces and view, our launcher does the rest inside. */
export function bubblewrap(path: string): NamespaceMaker {
  // Since 0.7.
  const hasSizes = Bun.spawnSync([path, '--help']).stdout.includes('--size ');
  return {
    program: path,
    makesView: true,
    // Started by root it ends with its parent by itself, and refuses to start with a capability that is left over.
    needsGuard: false,
    keepsCapability: false,
    command: (launcher, { view, ownNetwork, insideId }) => [
      path,
      '--die-with-parent',
      // Our launcher becomes process 1, whatever made the namespaces.
      '--as-pid-1',
      '--new-session',
      ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
      ...(ownNetwork ? ['--unshare-net'] : []),
      ...(insideId === undefined ? [] : ['--uid', String(insideId), '--gid', String(insideId)]),
      ...['--hostname', HOST_NAME, '--cap-drop', 'ALL'],
      ...view.flatMap((entry) => argumentsFor(entry, hasSizes)),
      ...['--remount-ro', '/', '--chdir', '/', '--'],
      ...launcher,
    ],
  };
}

function argumentsFor(entry: ViewEntry, hasSizes: boolean): readonly string[] {
  switch (entry.type) {
    case 'bind':
      return [entry.readOnly ? '--ro-bind' : '--bind', entry.source, entry.target];
    case 'scratch':
      // What older versions cannot say here is set from outside (`settle.ts`).
      return [
        '--perms',
        '1777',
        ...(hasSizes ? ['--size', String(entry.bytes)] : []),
        '--tmpfs',
        entry.target,
      ];
    case 'link':
      return ['--symlink', entry.to, entry.target];
    case 'processes':
      return ['--proc', entry.target];
    case 'hidden':
      return entry.isFolder
        ? ['--tmpfs', entry.target, '--remount-ro', entry.target]
        : ['--ro-bind', '/dev/null', entry.target];
    case 'sealed':
      return ['--remount-ro', entry.target];
    case 'devices':
      return ['--dev', entry.target];
  }
}
