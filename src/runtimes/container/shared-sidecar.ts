import type { Engine } from '../../engine/index.ts';
import type { Sidecar, SidecarOptions } from './sidecar/types.ts';

interface Shared {
  readonly sidecar: Promise<Sidecar>;
  users: number;
}

/** Handles in use by this process: one watches over all workloads of a state folder in one engine. */
const shared = new Map<string, Shared>();

/** The handle is closed when the last one who uses it disposes. */
export async function useSidecar(
  engine: Engine,
  options: SidecarOptions,
): Promise<{ readonly sidecar: Sidecar } & AsyncDisposable> {
  const key = `${engine.kind} ${engine.address} ${options.paths.state}`;
  const entry = shared.get(key) ?? { sidecar: open(engine, options), users: 0 };
  shared.set(key, entry);
  entry.users += 1;
  let isDisposed = false;
  return {
    sidecar: await entry.sidecar,
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      if (shared.get(key) === entry) shared.delete(key);
      await (await entry.sidecar)[Symbol.asyncDispose]();
    },
  };
}

/** Loaded with the first isolated workload. */
async function open(engine: Engine, options: SidecarOptions): Promise<Sidecar> {
  const { openSidecar } = await import('./sidecar/sidecar.ts');
  return openSidecar(engine, options);
}

/** Withdraws what a workload was granted, without watching over any. Succeeds when there is nothing to withdraw. */
export async function releaseFromSidecar(
  engine: Engine,
  container: string,
  options: SidecarOptions,
): Promise<void> {
  await using used = await useSidecar(engine, options);
  await used.sidecar.release(container);
}
