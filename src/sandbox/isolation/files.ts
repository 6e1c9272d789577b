import { createHash } from 'node:crypto';
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree, writeFileAtomic } from '../../platform/index.ts';

/** Where a workload keeps what the containers that isolate it are configured with; they outlive a reboot (spec 03 §15-B8). */
export function isolationFolder(stateFolder: string, name: string): string {
  return join(stateFolder, 'isolation', name);
}

/**
 * Writes texts by their names, deletes what earlier starts wrote, and gives the paths. Another text gets another path, so that a
 * container with the earlier one counts as changed. Readable for the users that containers run as.
 */
export async function writeIsolationFiles<Names extends string>(
  folder: string,
  texts: Readonly<Record<Names, string | undefined>>,
): Promise<Record<Names, string | undefined>> {
  const paths = Object.fromEntries(
    Object.entries<string | undefined>(texts).map(([name, text]) => [name, pathOf(folder, name, text)]),
  ) as Record<Names, string | undefined>;
  for (const name of Object.keys(texts) as Names[]) {
    const [path, text] = [paths[name], texts[name]];
    if (path === undefined || text === undefined) continue;
    await writeFileAtomic(path, text);
    await chmod(path, 0o644);
  }
  const current = new Set<string | undefined>(Object.values<string | undefined>(paths));
  for (const file of await readdir(folder).catch(() => [])) {
    const path = join(folder, file);
    if (!current.has(path)) await rm(path, { force: true });
  }
  return paths;
}

function pathOf(folder: string, name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return join(folder, `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.conf`);
}

export async function deleteIsolationFiles(stateFolder: string, name: string): Promise<void> {
  await removeTree(isolationFolder(stateFolder, name));
}
