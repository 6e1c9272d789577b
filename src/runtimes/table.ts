import { ThvError } from '../errors/index.ts';
import { kindOf, type RunConfig, type WorkloadKind, type WorkloadName } from '../records/index.ts';
import { createContainerRuntime } from './container/runtime.ts';
import { createProcessRuntime } from './process/runtime.ts';
import { createRemoteRuntime } from './remote/runtime.ts';
import type { Auxiliary, Runtime, RuntimeServices, SourceKind, Waiting } from './runtime.ts';

export interface Runtimes {
  readonly all: readonly Runtime[];
  /** Serves what runs elsewhere and is reached at a URL. */
  readonly remote: Runtime;
  /** Runs servers of our own where nothing asks for another one. */
  readonly usual: Runtime;
  /** The one that a word means, as in `--runtime WORD`; `undefined` when the word leaves it open or is none. */
  named(word: string): Runtime | undefined;
  /** All that can run it, the preferred one first. */
  able(source: SourceKind): readonly Runtime[];
  /** A place for a program of ours, in the first runtime that has one. Throws `ERR_ENGINE_UNAVAILABLE`. */
  openAuxiliary(name: string, options: Waiting): Promise<Auxiliary>;
  /** The runtime of a document; of a workload without a readable one the usual one, which may know more of it. */
  of(config: RunConfig | undefined): Runtime;
  /** The same for a workload whose document may be lost: what is left of it on disk tells its kind too. */
  ofWorkload(name: WorkloadName, config: RunConfig | undefined): Runtime;
}

/** Every kind of workload has its line here, and its folder beside this file; those named first are preferred. */
export const KINDS = {
  container: createContainerRuntime,
  process: createProcessRuntime,
  remote: createRemoteRuntime,
} satisfies Kinds;

type Kinds = Readonly<Record<WorkloadKind, (services: RuntimeServices) => Runtime>>;

export function createRuntimes(services: RuntimeServices, kinds: Kinds = KINDS): Runtimes {
  const all = Object.values(kinds).map((create) => create(services));
  const ofKind = (kind: WorkloadKind) => {
    const found = all.find((runtime) => runtime.kind === kind);
    if (found === undefined) throw new ThvError('ERR_INTERNAL', { reason: `no runtime of kind ${kind}` });
    return found;
  };
  const usual = ofKind('container');
  const of = (config: RunConfig | undefined) => (config === undefined ? usual : ofKind(kindOf(config).kind));
  return {
    all,
    remote: ofKind('remote'),
    usual,
    named: (word) => all.find(({ names }) => names.includes(word)),
    able: (source) => all.filter(({ takes }) => takes.includes(source)),
    async openAuxiliary(name, options) {
      for (const runtime of all) if (runtime.openAuxiliary) return await runtime.openAuxiliary(name, options);
      throw new ThvError('ERR_ENGINE_UNAVAILABLE', {
        reason: 'no runtime can run a program beside the workloads',
      });
    },
    of,
    ofWorkload: (name, config) =>
      (config === undefined ? all.find((runtime) => runtime.hasTraceOf(name)) : undefined) ?? of(config),
  };
}
