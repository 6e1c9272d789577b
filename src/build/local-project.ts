import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { type ContextEntry, unreadable } from './context-tar.ts';
import { ENGINE_IGNORE_FILES, type IgnoreRules, readIgnoreRules } from './ignore-rules.ts';

/** A Go project on this machine: the context of its build, and what to build in it (spec 03 §13.3, §15-B15). */
export interface LocalProject {
  /** Package or file to build, relative to the context: `.`, `./cmd/server`. */
  readonly target: string;
  /** Everything that goes into the context, in a fixed order; read again with each call. */
  entries(): AsyncIterable<ContextEntry>;
}

/** Elements of a path that Go takes in import paths, which are all that `go build` would build. */
const TARGET = /^[A-Za-z0-9._~+@ -][A-Za-z0-9._~+@/ -]*$/;
/** Never part of a build: history, files that are there to hold logins, and what stands where our own files do. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['.git', '.env', '.netrc', '.npmrc', '.yarnrc', '.thv-build'],
  ...ENGINE_IGNORE_FILES,
]);

/**
 * The project that `path` belongs to: the folder of the nearest `go.work`, else of the nearest `go.mod`, else `path` itself.
 * Nothing is written there. Throws `ERR_BUILD_INPUT_INVALID`.
 */
export async function openLocalProject(path: string, workingFolder: string): Promise<LocalProject> {
  const source = resolve(workingFolder, path);
  const facts = await stat(source).catch((error: unknown) => {
    throw refused(`source path does not exist: ${source}: ${messageOf(error)}`);
  });
  const folder = facts.isDirectory() ? source : dirname(source);
  const root = (await findUp(folder, 'go.work')) ?? (await findUp(folder, 'go.mod')) ?? folder;
  const inside = relative(root, source).split(sep).join('/');
  if (inside !== '' && !TARGET.test(inside))
    throw refused(`${JSON.stringify(inside)} in ${root} cannot be the path of a Go package`);
  return {
    target: inside === '' ? '.' : `./${inside}`,
    async *entries() {
      yield* contextEntries(root, await readIgnoreRules(root), LEFT_OUT);
    },
  };
}

async function findUp(folder: string, name: string): Promise<string | undefined> {
  for (let current = folder; ; current = dirname(current)) {
    if (
      await stat(join(current, name)).then(
        (facts) => facts.isFile(),
        () => false,
      )
    )
      return current;
    if (current === dirname(current)) return undefined;
  }
}

/**
 * What of a folder goes into a context. Sockets, FIFOs and devices are passed over, and everything called as in `leftOut`.
 * Throws `ERR_BUILD_INPUT_INVALID`.
 */
export async function* contextEntries(
  root: string,
  rules: IgnoreRules,
  leftOut: ReadonlySet<string>,
  folder = '',
): AsyncGenerator<ContextEntry, void, undefined> {
  const reading = <T>(path: string, work: Promise<T>) =>
    work.catch((error: unknown) => Promise.reject(unreadable(path || root, error)));
  for (const name of (await reading(folder, readdir(join(root, folder)))).sort()) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (leftOut.has(name)) continue;
    const source = join(root, path);
    const facts = await reading(path, lstat(source));
    const ignored = rules.ignores(path);
    if (facts.isDirectory()) {
      if (!ignored) yield { kind: 'folder', path, mode: facts.mode & 0o777 };
      if (!ignored || rules.hasExceptions) yield* contextEntries(root, rules, leftOut, path);
    } else if (ignored) continue;
    else if (facts.isSymbolicLink())
      yield { kind: 'link', path, target: await reading(path, readlink(source)) };
    else if (facts.isFile()) {
      yield { kind: 'file', path, source, sizeBytes: facts.size, mode: facts.mode & 0o777 };
    }
  }
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_BUILD_INPUT_INVALID', { reason });
}
