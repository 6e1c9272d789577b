import { basename, posix } from 'node:path';
import { type ContextEntry, imageKey, openLocalProject } from '../../../build/index.ts';
import { installLimits } from '../confined/limits.ts';
import { copyEntries, listFolder } from '../folder-copy.ts';
import { goModSources, judgeGoSource } from '../lock-files/go-mod.ts';
import { refuseSources } from '../lock-files/refuse.ts';
import { readText } from '../npm/program.ts';
import type { InstallOptions } from '../types.ts';

interface GoFolder {
  /** Digest of everything that goes into the copy. */
  readonly key: string;
  /** Package to build, relative to the copy. */
  readonly target: string;
  /** Makes the copy. */
  readonly copy: () => Promise<void>;
}

/**
 * The module, or workspace, that a path belongs to, to be copied to `place`. Throws `ERR_FOLDER_UNUSABLE` with file and line for a
 * module that is to be taken from outside of it.
 */
export async function copyGoFolder(path: string, place: string, options: InstallOptions): Promise<GoFolder> {
  const project = await openLocalProject(path, '/');
  const limits = installLimits(options.env);
  const entries = await listFolder(path, project.entries(), limits, options.signal);
  for (const entry of entries) checkModule(path, entry);
  const { platform, arch } = process;
  return {
    key: await imageKey({ kind: 'go', target: project.target, platform, arch }, asList(entries)),
    target: project.target,
    copy: () => copyEntries(entries, place, () => true, options),
  };
}

function checkModule(folder: string, entry: ContextEntry): void {
  const name = basename(entry.path);
  if (entry.kind !== 'file' || (name !== 'go.mod' && name !== 'go.work')) return;
  const text = readText(entry.source);
  const base = posix.dirname(entry.path);
  const sources = goModSources(text, base === '.' ? '' : base);
  refuseSources(folder, { path: entry.path, text }, sources, judgeGoSource);
}

async function* asList(entries: readonly ContextEntry[]) {
  yield* entries;
}
