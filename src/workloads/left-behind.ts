import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { deleteClaim, deleteSessionJournal } from '../host/index.ts';
import type { Paths } from '../platform/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { deleteNetworkLog, type Leftover } from '../runtimes/index.ts';
import { deleteOverlays } from '../sandbox/index.ts';
import { deleteLock, lockPath } from '../tool-lock/index.ts';
import type { Context } from './context.ts';
import { workloadLogPath } from './supervisor.ts';
import type { OperationOptions } from './types.ts';

interface LeftOptions extends OperationOptions {
  /** What stays: logs that the user wants to read, a profile file that the run was given and did not make. */
  readonly keep: readonly ('logs' | 'profile')[];
}

/**
 * Everything on disk that a workload leaves behind, its status file excepted, in the order in which it is deleted: the document comes
 * last, because as long as it is there the workload can be removed once more. One that cannot be deleted keeps none of the others.
 */
export function leftBehind(
  context: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
  { keep, signal }: LeftOptions,
): readonly Leftover[] {
  const { paths, runConfigs, desired, runtimes } = context;
  const profile = config?.permission_profile_name_or_path ?? '';
  const log = workloadLogPath(context, name);
  const removing = (what: string, path: string) => ({ what, remove: () => rm(path, { force: true }) });
  return [
    ...runtimes.all.flatMap((runtime) => runtime.leftovers(name, { signal })),
    { what: 'what lies over hidden paths', remove: () => deleteOverlays(paths.state, name) },
    { what: 'its network log', remove: async () => deleteNetworkLog(paths, name) },
    { what: 'its locked tools', remove: () => deleteLock(lockPath(paths.state, name)) },
    { what: 'session records', remove: () => deleteSessionJournal(paths.state, name) },
    ...(isTemporaryProfile(profile, paths) && !keep.includes('profile')
      ? [removing('the temporary permission profile', profile)]
      : []),
    ...(keep.includes('logs') ? [] : [log, `${log}.1`, `${log}.2`]).map((file) =>
      removing('a log file', file),
    ),
    { what: 'the claim of its supervisor', remove: () => deleteClaim(paths.state, name) },
    { what: 'the note that it was told to end', remove: () => desired.remove(name) },
    { what: 'its run configuration', remove: () => runConfigs.delete(name) },
  ];
}

/** Whether the reference wrote the profile for this workload alone (spec 02 §3.2); a user's own file is none. */
function isTemporaryProfile(path: string, { temporary }: Paths): boolean {
  return dirname(path) === temporary && /^toolhive-.*-permissions-.*\.json$/.test(basename(path));
}
