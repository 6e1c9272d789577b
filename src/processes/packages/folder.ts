import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  imageKey,
  inspectFolder,
  type NodeProject,
  type PythonProject,
  projectContext,
} from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import { installGoProgram } from './go.ts';
import { describeNodeFolder, fillNodeFolder } from './node-folder.ts';
import { describePythonFolder, fillPythonFolder } from './python-folder.ts';
import { openPackageStore } from './store.ts';
import type { InstalledPackage, InstallOptions } from './types.ts';

const READY = '.installed';

/**
 * A server whose sources are in a folder of this machine: what is run is a copy of it, with its dependencies, made anew
 * whenever the folder has changed. Throws `ERR_FOLDER_UNUSABLE` and `ERR_PACKAGE_INSTALL`.
 */
export async function installFolder(path: string, options: InstallOptions): Promise<InstalledPackage> {
  const project = await inspectFolder(path, path, { canBuildImage: false });
  switch (project.kind) {
    case 'go':
      return await installGoProgram(project.folder, options);
    case 'node':
      return describeNodeFolder(project, await copyOf(project, fillNodeFolder, options));
    case 'python':
      return describePythonFolder(project, await copyOf(project, fillPythonFolder, options));
    case 'dockerfile':
      throw new ThvError('ERR_FOLDER_UNUSABLE', { folder: path, reason: 'it needs a container engine' });
  }
}

/** In place, for Python's environments name their interpreter by its full path; the marker is written last. */
async function copyOf<Project extends NodeProject | PythonProject>(
  project: Project,
  fill: (project: Project, copy: string, options: InstallOptions) => Promise<void>,
  options: InstallOptions,
): Promise<string> {
  const { folder, kind } = project;
  const store = openPackageStore(join(options.folder, 'folders'));
  const key = await keyOf(project, options);
  const copy = store.pathOf(key);
  if (existsSync(join(copy, READY))) return copy;
  return await store.exclusively(key, options.signal, async () => {
    if (existsSync(join(copy, READY))) return copy;
    options.progress(`Installing ${folder}`);
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy, { recursive: true, mode: 0o700 });
    try {
      await copyFolder(folder, copy, options);
      await fill(project, copy, options);
      await Bun.write(join(copy, READY), kind);
    } catch (error) {
      rmSync(copy, { recursive: true, force: true });
      throw error;
    }
    return copy;
  });
}

/** By the path, too: two folders with the same sources are two servers, whose errors name files of their own. */
function keyOf({ folder, kind }: NodeProject | PythonProject, options: InstallOptions): Promise<string> {
  const { platform, arch } = process;
  const scripts = options.scriptSandbox !== undefined;
  return imageKey({ folder, kind, scripts, platform, arch }, projectContext(folder));
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
