import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, ThvError } from '../../errors/index.ts';
import { readRegularFile, withoutByteOrderMark } from '../../platform/index.ts';
import { DOCKERFILES } from './context.ts';
import { type ReadText, readNodeProject } from './node-project.ts';
import { readPythonProject } from './python-project.ts';
import type { FolderProject } from './types.ts';

/** No manifest is larger; a lock file may come near. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * What kind of server the folder holds: a Dockerfile wins, unless there is nothing to build an image with, then what can be run of `package.json`, `pyproject.toml` and
 * `go.mod` or Go files, in this order. Throws `ERR_FOLDER_UNUSABLE` with all that was looked at.
 */
export async function inspectFolder(
  path: string,
  workingFolder: string,
  { canBuildImage = true }: { readonly canBuildImage?: boolean } = {},
): Promise<FolderProject> {
  const folder = await findFolder(resolve(workingFolder, path), path);
  const files: ReadonlySet<string> = new Set(await readdir(folder));
  const readText: ReadText = (name) => readIfThere(join(folder, name));
  const named = (name: string | undefined) => ({ folder, name: name || basename(folder) });
  for (const dockerfile of canBuildImage ? DOCKERFILES : []) {
    // Read, because a link may lead nowhere.
    if (files.has(dockerfile) && (await readText(dockerfile)) !== undefined)
      return { kind: 'dockerfile', dockerfile, ...named(undefined) };
  }

  const problems: string[] = [];
  for (const [file, read] of [
    ['package.json', readNodeProject],
    ['pyproject.toml', readPythonProject],
  ] as const) {
    if (!files.has(file)) continue;
    const found = await read(files, readText);
    if (!('problem' in found)) return { ...found, ...named(found.name) };
    problems.push(found.problem);
  }
  if (files.has('go.mod')) return { kind: 'go', ...named(moduleName((await readText('go.mod')) ?? '')) };
  // A program below its module, which the build looks for.
  if ([...files].some((file) => file.endsWith('.go'))) return { kind: 'go', ...named(undefined) };
  if (problems.length === 0)
    problems.push(`it has no ${canBuildImage ? 'Dockerfile, ' : ''}package.json, pyproject.toml or go.mod`);
  throw new ThvError(
    'ERR_FOLDER_UNUSABLE',
    { folder: path, reason: problems.join('; ') },
    {
      hint: canBuildImage
        ? 'a Dockerfile in the folder says how to build and start the server, whatever it is written in'
        : 'what a Dockerfile describes needs a container engine',
    },
  );
}

async function findFolder(folder: string, path: string): Promise<string> {
  const refuse = (reason: string, cause?: unknown) =>
    new ThvError('ERR_FOLDER_UNUSABLE', { folder: path, reason }, { cause });
  try {
    const real = await realpath(folder);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    throw refuse(isAbsent(error) ? 'it does not exist' : messageOf(error), error);
  }
  throw refuse('it is a file');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    // npm and uv pass over a byte order mark, and so do we.
    return withoutByteOrderMark(readRegularFile(path, MAX_FILE_BYTES).toString('utf8'));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    const reason = `${basename(path)} cannot be read: ${messageOf(error)}`;
    throw new ThvError('ERR_FOLDER_UNUSABLE', { folder: dirname(path), reason }, { cause: error });
  }
}

/** Also where a file stands in the place of a folder. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Last part of the path of the module, without a major version (Go modules reference, "Module paths"). */
function moduleName(text: string): string | undefined {
  const [, path] = /^\s*module\s+"?([^\s"]+)"?/m.exec(text) ?? [];
  return path
    ?.split('/')
    .filter((part) => !/^v\d+$/.test(part))
    .at(-1);
}
