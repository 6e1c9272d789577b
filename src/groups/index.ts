import { existsSync } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Group files: `<state>/toolhive/groups/<group>.json` (spec 02 §3.3). */

export const DEFAULT_GROUP = 'default';

export function groupExists(stateFolder: string, name: string): boolean {
  return existsSync(pathOf(stateFolder, name));
}

/** Makes the group that workloads belong to when nothing else was said. */
export async function ensureDefaultGroup(stateFolder: string): Promise<void> {
  if (groupExists(stateFolder, DEFAULT_GROUP)) return;
  const path = pathOf(stateFolder, DEFAULT_GROUP);
  await mkdir(join(stateFolder, 'groups'), { recursive: true, mode: 0o750 });
  const temporary = `${path}.tmp-${crypto.randomUUID()}`;
  const content = `${JSON.stringify({ name: DEFAULT_GROUP, registered_clients: [] }, undefined, 2)}\n`;
  await writeFile(temporary, content, { mode: 0o600 });
  try {
    // A hard link fails when somebody else was faster: creation is exclusive (spec 02 §3.2).
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function pathOf(stateFolder: string, name: string): string {
  return join(stateFolder, 'groups', `${name}.json`);
}
