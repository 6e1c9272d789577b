import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_RUNTIME, WORK } from './filesystem-view.ts';
import { hasLocalResolver, resolverSettings } from './linux/open-network.ts';
import type { NetworkAccess } from './network-access.ts';
import { writeNodeScript } from './node-script.ts';

interface ProcessFolder {
  /** Outlives the process. */
  readonly work: string;
  /** Files of `/etc` that are made up, by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** What is seen as `node` where our own runtime is it. */
  readonly nodeScript: string;
}

/**
 * Makes the folder of one process, for its owner only. Its `/etc` tells nothing about this machine's users; `user` and `group` are
 * the numbers that the process sees itself as.
 */
export function prepareFolder(
  folder: string,
  network: NetworkAccess,
  { user, group }: { readonly user: number; readonly group: number },
): ProcessFolder {
  const work = join(folder, 'work');
  const etc = join(folder, 'etc');
  for (const path of [work, etc]) mkdirSync(path, { recursive: true, mode: 0o700 });
  // Some sandboxes map the user to number 0.
  const users = [...new Set([0, user])].map(
    (id) => `${id === user ? 'mcp' : 'root'}:x:${id}:${group}::${WORK}:/bin/sh\n`,
  );
  const groups = [...new Set([0, group])].map((id) => `${id === group ? 'mcp' : 'root'}:x:${id}:\n`);
  const contents: Readonly<Record<string, string>> = {
    passwd: users.join(''),
    group: groups.join(''),
    ...(network.type === 'open' && hasLocalResolver() ? { 'resolv.conf': resolverSettings() } : {}),
    ...(network.type === 'host' || network.type === 'open'
      ? {}
      : {
          hosts: '127.0.0.1 localhost\n::1 localhost\n',
          'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
        }),
  };
  const settings: Record<string, string> = {};
  for (const [name, text] of Object.entries(contents)) {
    settings[name] = join(etc, name);
    writeFileSync(join(etc, name), text);
  }
  const nodeScript = join(folder, 'programs', 'node');
  writeNodeScript(nodeScript, NODE_RUNTIME);
  return { work, settings, nodeScript };
}
