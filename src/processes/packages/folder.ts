import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import {
  type ContextEntry,
  imageKey,
  inspectFolder,
  type NodeProject,
  type PythonProject,
  projectContext,
} from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import {
  acquireLock,
  type HeldLock,
  removeTreeSync,
  tryLock,
  writeFileAtomic,
} from '../../platform/index.ts';
import { installLimits } from './confined/limits.ts';
import { listFolder } from './folder-copy.ts';
import { installGoProgram } from './go/package.ts';
import { describeNodeFolder, type FilledFolder, fillNodeFolder, folderRuntime } from './npm/folder.ts';
import { buildLabel } from './npm/js-runtime.ts';
import { describePythonFolder, fillPythonFolder, hasPython } from './python/folder.ts';
import { openPackageStore, type PackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

const USE_TIMEOUT_MS = 30_000;
/** Changed when a copy of the same inputs must be recreated by this version of the program. */
const COPY_VERSION = 3;

/** Marker of a complete copy. It lies beside the copy, where code from the folder cannot write it. */
const ReadySchema = v.object({
  /** Identifies the folder: of two copies with one origin, the newer replaces the older. */
  origin: v.string(),
  interpreters: v.array(v.string()),
  /** What install scripts were run with, where they were. */
  builtFor: v.optional(v.string()),
  /** Packages whose install scripts were not run. */
  heldBack: v.optional(v.array(v.string()), []),
});
type Ready = v.InferOutput<typeof ReadySchema>;

/**
 * A server whose sources are in a folder of this machine: what is run is a copy of it, with its dependencies, recreated
 * whenever the folder has changed. Copies of what it held before go, unless a server uses them. Throws `ERR_FOLDER_UNUSABLE` and `ERR_PACKAGE_INSTALL`.
 */
export async function installFolder(path: string, options: InstallOptions): Promise<InstalledPackage> {
  const project = await inspectFolder(path, path, { canBuildImage: false });
  switch (project.kind) {
    case 'go':
      return await installGoProgram(project.folder, options);
    case 'node':
    case 'python':
      return await describeCopy(project, await copyOf(project, options), options);
    case 'dockerfile':
      throw new ThvError('ERR_FOLDER_UNUSABLE', { folder: path, reason: 'it needs a container engine' });
  }
}

interface Copy {
  readonly path: string;
  readonly ready: Ready;
  /** As long as it is held, the copy stays. */
  readonly use: HeldLock;
}

async function describeCopy(
  project: NodeProject | PythonProject,
  { path, ready, use }: Copy,
  options: InstallOptions,
): Promise<InstalledPackage> {
  try {
    const described =
      project.kind === 'node'
        ? describeNodeFolder(project, path, await folderRuntime(project, path, options), ready.heldBack)
        : describePythonFolder(project, path, ready.interpreters);
    return { ...described, use };
  } catch (error) {
    use.release();
    throw error;
  }
}

async function copyOf(project: NodeProject | PythonProject, options: InstallOptions): Promise<Copy> {
  const store = openPackageStore(join(options.folder, 'folders'));
  const { folder } = project;
  const limits = installLimits(options.env);
  const entries = await listFolder(folder, projectContext(folder), limits, options.signal);
  const key = await keyOf(project, entries, options);
  const path = store.pathOf(key);
  const use = await acquireLock(useLockOf(path), { mode: 'shared', timeoutMs: USE_TIMEOUT_MS });
  try {
    const ready =
      (await usableOf(path, project, options)) ??
      (await store.exclusively(key, options.signal, async () => {
        const found = await usableOf(path, project, options);
        if (found !== undefined) return found;
        const made = await makeCopy(path, project, entries, options);
        removeOlder(store, key, made);
        return made;
      }));
    return { path, ready, use };
  } catch (error) {
    use.release();
    throw error;
  }
}

function useLockOf(copy: string): string {
  return `${copy}.use`;
}

function markerOf(copy: string): string {
  return `${copy}.installed`;
}

/** A Python may have been replaced by a newer one since. */
function readyOf(copy: string, { kind }: NodeProject | PythonProject): Ready | undefined {
  const ready = existsSync(copy) ? readMarker(copy) : undefined;
  return kind !== 'python' || hasPython(copy) ? ready : undefined;
}

/** The same, if what scripts have built in it is good for the runtime that is chosen now. */
async function usableOf(
  copy: string,
  project: NodeProject | PythonProject,
  options: InstallOptions,
): Promise<Ready | undefined> {
  const ready = readyOf(copy, project);
  if (ready === undefined || project.kind !== 'node' || !options.allowScripts) return ready;
  return ready.builtFor === buildLabel(await folderRuntime(project, copy, options)) ? ready : undefined;
}

/** Makes the copy in its final place, because Python's environments name their interpreter by its full path. Writes the marker last. */
async function makeCopy(
  copy: string,
  project: NodeProject | PythonProject,
  entries: readonly ContextEntry[],
  options: InstallOptions,
): Promise<Ready> {
  options.progress(`Installing ${project.folder}`);
  removeCopy(copy);
  mkdirSync(copy, { recursive: true, mode: 0o700 });
  try {
    let interpreters: readonly string[] = [];
    let filled: FilledFolder = { heldBack: [], builtFor: undefined };
    if (project.kind === 'node') filled = await fillNodeFolder(project, entries, copy, options);
    else interpreters = await fillPythonFolder(project, entries, copy, options);
    const ready: Ready = {
      origin: JSON.stringify(originOf(project, options)),
      interpreters: [...interpreters],
      heldBack: [...filled.heldBack],
      ...(filled.builtFor === undefined ? {} : { builtFor: filled.builtFor }),
    };
    await writeFileAtomic(markerOf(copy), JSON.stringify(ready));
    return ready;
  } catch (error) {
    removeCopy(copy);
    throw error;
  }
}

function removeCopy(copy: string): void {
  rmSync(markerOf(copy), { force: true });
  removeTreeSync(copy);
}

/** Copies of the same origin that are not this one, and that nobody uses. */
function removeOlder(store: PackageStore, key: string, { origin }: Ready): void {
  for (const name of readdirSync(store.folder)) {
    const other = store.pathOf(name);
    if (name === key || readMarker(other)?.origin !== origin) continue;
    const lock = tryLock(useLockOf(other));
    if (lock === undefined) continue;
    removeCopy(other);
    lock.release();
  }
}

function readMarker(copy: string): Ready | undefined {
  try {
    return v.parse(ReadySchema, JSON.parse(readFileSync(markerOf(copy), 'utf8')));
  } catch {
    return undefined; // something else, or not complete
  }
}

/** By the path, too: two folders with the same sources are two servers, whose errors name files of their own. */
function keyOf(
  project: NodeProject | PythonProject,
  entries: readonly ContextEntry[],
  options: InstallOptions,
): Promise<string> {
  const { platform, arch } = process;
  return imageKey(
    { ...originOf(project, options), version: COPY_VERSION, platform, arch },
    asStream(entries),
  );
}

async function* asStream(entries: readonly ContextEntry[]) {
  yield* entries;
}

function originOf({ folder, kind }: NodeProject | PythonProject, { allowScripts }: InstallOptions) {
  return { folder, kind, scripts: allowScripts };
}
