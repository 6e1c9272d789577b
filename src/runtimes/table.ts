import { kindOf, type RunConfig, type WorkloadKind, type WorkloadName } from '../records/index.ts';
import { type ContainerRuntime, createContainerRuntime } from './container/runtime.ts';
import { createProcessRuntime } from './process/runtime.ts';
import { createRemoteRuntime } from './remote/runtime.ts';
import type { Runtime, RuntimeServices } from './runtime.ts';

export interface Runtimes {
  readonly all: readonly Runtime[];
  readonly byKind: Readonly<Record<WorkloadKind, Runtime>> & { readonly container: ContainerRuntime };
  /** The runtime of a document; of a workload without a readable one that which may know more of it: the containers'. */
  of(config: RunConfig | undefined): Runtime;
  /** The same for a workload whose document may be lost: what is left of it on disk tells its kind too. */
  ofWorkload(name: WorkloadName, config: RunConfig | undefined): Runtime;
}

export function createRuntimes(services: RuntimeServices): Runtimes {
  // Every kind of workload has its line here, and its folder beside this file.
  const byKind = {
    container: createContainerRuntime(services),
    process: createProcessRuntime(services),
    remote: createRemoteRuntime(),
  };
  const all = Object.values(byKind);
  const of = (config: RunConfig | undefined) =>
    byKind[config === undefined ? 'container' : kindOf(config).kind];
  return {
    all,
    byKind,
    of,
    ofWorkload: (name, config) =>
      (config === undefined ? all.find((runtime) => runtime.hasTraceOf(name)) : undefined) ?? of(config),
  };
}
