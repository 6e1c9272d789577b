import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { RUNTIME } from './filesystem-view.ts';
import { writeNodeScript } from './node-script.ts';
import type { ProcessSpec } from './types.ts';

/** Made if they are missing, for their owner only. */
export function ownFolders(folder: string): { readonly work: string; readonly temporary: string } {
  const work = join(folder, 'work');
  const temporary = join(folder, 'tmp');
  for (const path of [work, temporary]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return { work, temporary };
}

/**
 * The folder where a process that sees this machine's files finds `node` as it should be: that of the Node that was chosen, else
 * one that is made for it, where `node` is our executable. `undefined` where it does not matter.
 */
export function nodeFolder(
  { folder, node }: Pick<ProcessSpec, 'folder' | 'node'>,
  [executable = '']: readonly string[],
): string | undefined {
  if (node === undefined) return undefined;
  if (node !== RUNTIME) return dirname(node);
  if (process.platform === 'win32') return undefined; // links need a right there that few users have
  const programs = join(folder, 'programs');
  const runtime = join(programs, 'runtime');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  for (const path of [join(runtime, 'node'), join(programs, 'bun'), join(programs, 'bunx')]) {
    rmSync(path, { force: true });
    symlinkSync(executable, path);
  }
  writeNodeScript(join(programs, 'node'), join(runtime, 'node'));
  return programs;
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
  const searched = [nodeFolder(spec, self), process.env['PATH'] ?? ''].filter((each) => each !== undefined);
  return {
    command: [program === RUNTIME ? (self[0] ?? '') : program, ...args],
    cwd: spec.cwd ?? work,
    env: { PATH: searched.join(delimiter), HOME: work, TMPDIR: temporary, LANG: 'C.UTF-8', ...spec.env },
  };
}
