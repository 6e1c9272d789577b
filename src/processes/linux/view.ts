import { realpathSync } from 'node:fs';
import { hasCode, ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { Mount } from '../../sandbox/index.ts';
import { linuxView, type ViewEntry } from '../filesystem-view.ts';
import { prepareFolder } from '../process-folder.ts';
import type { ProcessSpec } from '../types.ts';
import { isKernelInterface, mountAt, mountsBelow } from './mount-table.ts';
import type { NamespaceMaker } from './namespace-maker.ts';
import { openStaging, type Staging } from './staging.ts';
import { isKernelRoot } from './unprivileged.ts';

interface View {
  readonly view: readonly ViewEntry[];
  /** Where the process is started by root: its files, for the user it runs as. */
  readonly staging: Staging | undefined;
}

/** What a process is to see, from where the guard's successor sees it. */
export async function viewFor(
  maker: NamespaceMaker,
  self: readonly string[],
  spec: ProcessSpec,
  insideId: number | undefined,
): Promise<View> {
  const user = insideId ?? process.getuid?.() ?? 0;
  const { work, settings, nodeScript } = prepareFolder(spec.folder, spec.network, {
    user,
    group: insideId ?? process.getgid?.() ?? 0,
  });
  const [executable = '', ...script] = self;
  const isRoot = isKernelRoot();
  const granted = [...spec.mounts, ...(spec.overlays ?? [])];
  const mounts = isRoot ? granted.map((mount) => withoutSettings(mount, spec.logger)) : granted;
  const packages = [...spec.readOnlyPaths, ...script.map(sourcesOf)];
  const view = linuxView({
    workFolder: work,
    readOnlyPaths: packages,
    settings,
    mounts,
    executable,
    node: spec.node,
    nodeScript,
    hasHostNetwork: spec.network.type === 'host' || spec.network.type === 'open',
  });
  if (!isRoot) return { view, staging: undefined };
  const owned = new Set([
    work,
    executable,
    nodeScript,
    ...packages,
    ...Object.values(settings),
    ...mounts.map(({ source }) => source),
  ]);
  const sources = [...new Set(view.flatMap((entry) => (entry.type === 'bind' ? [entry.source] : [])))];
  try {
    const staging = await openStaging({
      sources: sources.filter((source) => owned.has(source)),
      untouched: [...sources.filter((source) => !owned.has(source)), maker.program],
      unshare: Bun.which('unshare', { PATH: SYSTEM_PROGRAMS }) ?? undefined,
      logger: spec.logger,
    });
    const staged = view.map((entry) =>
      entry.type === 'bind' ? { ...entry, source: staging.pathOf(entry.source) } : entry,
    );
    return { view: staged, staging };
  } catch (error) {
    if (!hasCode(error, 'ERR_SANDBOX_FAILED')) throw error;
    // It keeps root's number, without any right but to files of root's that it is shown.
    for (const mount of mounts) refuseSettings(mount, error.facts.reason);
    spec.logger.warn('the process keeps the number of root', { reason: error.facts.reason });
    return { view, staging: undefined };
  }
}

const SYSTEM_PROGRAMS = '/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin';

/** During development the program is a script: its sources have to be seen as well. */
function sourcesOf(script: string): string {
  return script.replace(/\/src\/[^/]+$/, '');
}

/** What shows and sets what the kernel does is granted for reading only. */
function withoutSettings(mount: Mount, logger: Logger): Mount {
  if (mount.readOnly || !isKernelInterface(mountAt(realpathSync(mount.source)).type)) return mount;
  logger.warn('settings of the kernel are granted for reading only', { path: mount.source });
  return { ...mount, readOnly: true };
}

/** Refuses a writable folder with kernel settings in it: the process has root's number, so it could write them. */
function refuseSettings({ source, target, readOnly }: Mount, cause: string): void {
  if (readOnly) return;
  const below = mountsBelow(realpathSync(source)).find(({ type }) => isKernelInterface(type));
  if (below === undefined) return;
  throw new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `${source} cannot be mounted at ${target} for writing: settings of the kernel are in it, at ${below.path}`,
    },
    {
      hint: `mount folders further in, or for reading only (the process has to run with root's number: ${cause})`,
    },
  );
}
