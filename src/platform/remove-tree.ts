import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Removes a folder that a foreign program has written: folders without the right to look into them, or to change them, are given it
 * first. Links are removed, never followed. It is no error when nothing is there.
 */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    openFolders(path);
    rmSync(path, { recursive: true, force: true });
  }
}

/** Without recursion, for a hostile tree may be deeper than a stack. */
function openFolders(path: string): void {
  const left = [path];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    chmodSync(folder, 0o700);
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) left.push(join(folder, entry.name));
  }
}
