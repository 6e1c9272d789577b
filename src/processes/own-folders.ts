import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RUNTIME } from './filesystem-view.ts';
import type { ProcessSpec } from './types.ts';

/** Made if they are missing, for their owner only. */
export function ownFolders(folder: string): { readonly work: string; readonly temporary: string } {
  const work = join(folder, 'work');
  const temporary = join(folder, 'tmp');
  for (const path of [work, temporary]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return { work, temporary };
}

/** The server's command, folder and environment where it sees this machine's files at their places. */
export function withoutView(
  spec: ProcessSpec,
  self: readonly string[],
): {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
} {
  const { work, temporary } = ownFolders(spec.folder);
  const [program = '', ...args] = spec.command;
  return {
    command: [program === RUNTIME ? (self[0] ?? '') : program, ...args],
    cwd: spec.cwd ?? work,
    env: { PATH: process.env['PATH'] ?? '', HOME: work, TMPDIR: temporary, LANG: 'C.UTF-8', ...spec.env },
  };
}
