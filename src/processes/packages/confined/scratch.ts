import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeTreeSync } from '../../../platform/index.ts';

/** The folder of one installer run: its home, its temporary folder, and what the sandbox itself needs. */
export interface Scratch extends Disposable {
  /** Becomes `ProcessSpec.folder`. */
  readonly process: string;
  /** The temporary folder; the installer sees it at the same path. */
  readonly temporary: string;
  /** Files that are made for the tool, such as a list of certificates; the installer sees them at the same path, read-only. */
  readonly settings: string;
}

const LONGER_THAN_ANY_RUN_MS = 60 * 60_000;

/** Writes `homeFiles` and `settingFiles`, keyed by name. Only the owner can read them, because there are logins among them. */
export function openScratch(
  cacheFolder: string,
  homeFiles: Readonly<Record<string, string>>,
  settingFiles: Readonly<Record<string, string>>,
): Scratch {
  const parent = join(cacheFolder, 'installing');
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  removeOld(parent);
  const folder = mkdtempSync(join(parent, 'run-'));
  const [process, temporary, settings] = ['process', 'tmp', 'settings'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  // `HOME` inside is the work folder of a process.
  const home = join(process, 'work');
  for (const path of [home, temporary, settings]) mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const [place, files] of [[home, homeFiles] as const, [settings, settingFiles] as const])
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(place, name), content, { mode: 0o600, flag: 'wx' });
  return { process, temporary, settings, [Symbol.dispose]: () => removeTreeSync(folder) };
}

/** What a command left behind that was killed. */
function removeOld(parent: string): void {
  const before = Date.now() - LONGER_THAN_ANY_RUN_MS;
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) < before) removeTreeSync(path);
  }
}
