import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { Context } from './context.ts';
import { listWorkloads } from './list.ts';
import type { Workload, WorkloadEvent } from './types.ts';

/** Changes of files come in bursts; they are looked at together. */
const SETTLE_MS = 50;
/** What happens in the engine alone changes no file of ours, so it is looked at now and then. */
const LOOK_EVERY_MS = 5000;

/**
 * All workloads first, then each change, until `signal` aborts. The files that every program version writes are watched;
 * what a slow reader has not taken yet is merged by name, so nothing grows beyond one event per workload.
 */
export async function* watchWorkloads(
  context: Context,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<WorkloadEvent> {
  using changes = watchFiles(context);
  let known = byName(await listWorkloads(context, { all: true }, { signal }));
  yield { type: 'snapshot', workloads: [...known.values()] };
  while (!signal.aborted) {
    await changes.next(signal);
    if (signal.aborted) return;
    let seen: ReadonlyMap<string, Workload>;
    try {
      seen = byName(await listWorkloads(context, { all: true }, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      context.logger.debug('workloads not listed while watching', { error: messageOf(error) });
      continue;
    }
    yield* differences(known, seen);
    known = seen;
  }
}

export function* differences(
  before: ReadonlyMap<string, Workload>,
  after: ReadonlyMap<string, Workload>,
): Generator<WorkloadEvent> {
  for (const name of before.keys()) if (!after.has(name)) yield { type: 'removed', name };
  for (const [name, workload] of after) {
    const old = before.get(name);
    if (old === undefined) yield { type: 'added', workload };
    else if (!isDeepStrictEqual(old, workload)) yield { type: 'changed', workload };
  }
}

function byName(workloads: readonly Workload[]): ReadonlyMap<string, Workload> {
  return new Map(workloads.map((workload) => [workload.name, workload]));
}

/** Tells when a status file or a run config was written or deleted; lock and temporary files do not count. */
function watchFiles({ paths, logger }: Context): Disposable & { next(signal: AbortSignal): Promise<void> } {
  let isDirty = false;
  let wake: (() => void) | undefined;
  const notice = (_event: string, file: string | null) => {
    if (file !== null && (file.startsWith('.') || !file.endsWith('.json'))) return;
    isDirty = true;
    wake?.();
  };
  const watchers: FSWatcher[] = [];
  for (const folder of [join(paths.data, 'statuses'), join(paths.state, 'runconfigs')]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
      const watcher = watch(folder, notice);
      watcher.on('error', (error) => logger.warn('folder not watched any more', { folder, error }));
      watchers.push(watcher);
    } catch (error) {
      // Systems run out of watches; looking every few seconds goes on.
      logger.warn('folder not watched', { folder, error: messageOf(error) });
    }
  }
  return {
    async next(signal) {
      if (!isDirty) {
        const looking = new AbortController();
        wake = () => looking.abort();
        signal.addEventListener('abort', wake);
        await sleep(LOOK_EVERY_MS, looking.signal);
        signal.removeEventListener('abort', wake);
        wake = undefined;
      }
      await sleep(SETTLE_MS, signal);
      isDirty = false;
    },
    [Symbol.dispose]() {
      for (const watcher of watchers) watcher.close();
    },
  };
}
