import { ThvError } from '../../errors/index.ts';
import { type CedarCalls, calls, compileCedar, type Instance, startCedar } from './glue.ts';

/** The Cedar engine of this process, in WebAssembly: one instance for all workloads (spec 05 §11). */
export interface CedarEngine {
  /**
   * Asks the engine. Throws `ERR_AUTHZ_TRAPPED` when its stack ran out, as with an expression nested hundreds of levels deep; a
   * fresh instance then stands ready for the next question.
   */
  ask<T>(question: (calls: CedarCalls) => T): T;
  /** Keeps a policy set parsed until it is disposed of; throws when it cannot be parsed. */
  keep(policies: string): KeptPolicies;
  /** Bytes that the engine has taken so far; it never gives any back. */
  memoryBytes(): number;
}

export interface KeptPolicies extends Disposable {
  readonly id: string;
}

/** A cache: compiling takes 60 ms, and nothing is loaded before the first policy is. */
let loading: Promise<CedarEngine> | undefined;

export function loadCedar(): Promise<CedarEngine> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<CedarEngine> {
  const module = await compileCedar();
  let instance: Instance = startCedar(module, undefined);
  const kept = new Map<string, string>();
  const free: string[] = [];

  function ask<T>(question: (calls: CedarCalls) => T): T {
    try {
      return question(calls);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      // What is left of the stack, and what was being changed, is unknown.
      instance = startCedar(module, instance);
      for (const [id, policies] of kept) calls.preparsePolicySet(id, { staticPolicies: policies });
      throw new ThvError(
        'ERR_AUTHZ_TRAPPED',
        { reason: 'it is nested too deeply for the policy engine' },
        { cause: error },
      );
    }
  }

  return {
    ask,
    keep(policies) {
      const id = free.pop() ?? String(kept.size);
      const answer = ask((cedar) => cedar.preparsePolicySet(id, { staticPolicies: policies }));
      if (answer.type === 'failure') {
        free.push(id);
        throw new ThvError('ERR_AUTHZ_INVALID', {
          reason: answer.errors.map(({ message }) => message).join('; '),
        });
      }
      kept.set(id, policies);
      return {
        id,
        [Symbol.dispose]() {
          if (!kept.delete(id)) return;
          // The engine forgets a set only by replacing it.
          ask((cedar) => cedar.preparsePolicySet(id, { staticPolicies: '' }));
          free.push(id);
        },
      };
    },
    memoryBytes: () => instance.memory.buffer.byteLength,
  };
}
