import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  imageKey,
  inspectFolder,
  type NodeProject,
  type PythonProject,
  projectContext,
} from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import { acquireLock, type HeldLock, tryLock } from '../../platform/index.ts';
import { installGoProgram } from './go.ts';
import { describeNodeFolder, fillNodeFolder } from './node-folder.ts';
import { describePythonFolder, fillPythonFolder } from './python-folder.ts';
import { openPackageStore, type PackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';
import { hasInterpreters } from './uv.ts';

const READY = '.installed';
const USE_TIMEOUT_MS = 30_000;

/**
 * A server whose sources are in a folder of this machine: what is run is a copy of it, with its dependencies, made anew
 * whenever the folder has changed. Copies of what it held before go, unless a server uses them. Throws `ERR_FOLDER_UNUSABLE` and `ERR_PACKAGE_INSTALL`.
 */
export async function installFolder(path: string, options: InstallOptions): Promise<InstalledPackage> {
  const project = await inspectFolder(path, path, { canBuildImage: false });
  switch (project.kind) {
    case 'go':
      return await installGoProgram(project.folder, options);
    case 'node':
      return describeUsed(describeNodeFolder, project, await copyOf(project, fillNodeFolder, options));
    case 'python':
      return describeUsed(describePythonFolder, project, await copyOf(project, fillPythonFolder, options));
    case 'dockerfile':
      throw new ThvError('ERR_FOLDER_UNUSABLE', { folder: path, reason: 'it needs a container engine' });
  }
}

interface Copy {
  readonly path: string;
  /** As long as it is held, the copy stays. */
  readonly use: HeldLock;
}

function describeUsed<Project>(
  describe: (project: Project, path: string) => InstalledPackage,
  project: Project,
  { path, use }: Copy,
): InstalledPackage {
  try {
    return { ...describe(project, path), use };
  } catch (error) {
    use.release();
    throw error;
  }
}

async function copyOf<Project extends NodeProject | PythonProject>(
  project: Project,
  fill: (project: Project, copy: string, options: InstallOptions) => Promise<void>,
  options: InstallOptions,
): Promise<Copy> {
  const store = openPackageStore(join(options.folder, 'folders'));
  const key = await keyOf(project, options);
  const path = store.pathOf(key);
  const use = await acquireLock(useLockOf(path), { mode: 'shared', timeoutMs: USE_TIMEOUT_MS });
  try {
    if (!isReady(path, project)) {
      await store.exclusively(key, options.signal, async () => {
        if (isReady(path, project)) return;
        await makeCopy(path, project, fill, options);
        removeOlder(store, key, path);
      });
    }
    return { path, use };
  } catch (error) {
    use.release();
    throw error;
  }
}

function useLockOf(copy: string): string {
  return `${copy}.use`;
}

/** A Python may have been replaced by a newer one since. */
function isReady(copy: string, { kind }: NodeProject | PythonProject): boolean {
  return existsSync(join(copy, READY)) && (kind !== 'python' || hasInterpreters(copy));
}

/** In place, for Python's environments name their interpreter by its full path; the marker is written last. */
async function makeCopy<Project extends NodeProject | PythonProject>(
  copy: string,
  project: Project,
  fill: (project: Project, copy: string, options: InstallOptions) => Promise<void>,
  options: InstallOptions,
): Promise<void> {
  const { folder } = project;
  options.progress(`Installing ${folder}`);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true, mode: 0o700 });
  try {
    await copyFolder(folder, copy, options);
    await fill(project, copy, options);
    await Bun.write(join(copy, READY), JSON.stringify(originOf(project, options)));
  } catch (error) {
    rmSync(copy, { recursive: true, force: true });
    throw error;
  }
}

/** Copies of the same origin that are not this one, and that nobody uses. */
function removeOlder(store: PackageStore, key: string, copy: string): void {
  const origin = readMarker(copy);
  for (const name of readdirSync(store.folder)) {
    const other = store.pathOf(name);
    if (name === key || readMarker(other) !== origin) continue;
    const lock = tryLock(useLockOf(other));
    if (lock === undefined) continue;
    rmSync(other, { recursive: true, force: true });
    lock.release();
  }
}

function readMarker(copy: string): string | undefined {
  try {
    return readFileSync(join(copy, READY), 'utf8');
  } catch {
    return undefined; // something else, or not complete
  }
}

/** By the path, too: two folders with the same sources are two servers, whose errors name files of their own. */
function keyOf(project: NodeProject | PythonProject, options: InstallOptions): Promise<string> {
  const { platform, arch } = process;
  return imageKey({ ...originOf(project, options), platform, arch }, projectContext(project.folder));
}

/** Whatever else two copies have in common: the newer one stands in for the older. */
function originOf({ folder, kind }: NodeProject | PythonProject, { scriptSandbox }: InstallOptions) {
  return { folder, kind, scripts: scriptSandbox !== undefined };
}

async function copyFolder(folder: string, copy: string, { logger }: InstallOptions): Promise<void> {
  for await (const entry of projectContext(folder)) {
    const place = join(copy, entry.path);
    if (entry.kind === 'folder') mkdirSync(place, { recursive: true, mode: entry.mode | 0o700 });
    else if (entry.kind === 'link') {
      // Installing writes: nothing of it may be led out of the copy.
      const isInside = !relative(copy, resolve(dirname(place), entry.target))
        .split(sep)
        .includes('..');
      if (isInside) symlinkSync(entry.target, place);
      else logger.warn('a link that leads out of the folder is left out', { folder, link: entry.path });
    } else if (entry.kind === 'file') {
      mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
      copyFileSync(entry.source, place);
      chmodSync(place, entry.mode | 0o600);
    }
  }
}
