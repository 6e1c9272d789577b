import * as v from 'valibot';
import { createCommand } from '../cli/index.ts';
import { ThvError, within } from '../errors/index.ts';
import { runtimeAskedBy } from '../records/index.ts';

export const runtimeCheck = createCommand({
  usage: '[flags]',
  long: 'Check that a container runtime (Docker or Podman) can be found and answers.',
  flags: {
    timeout: {
      kind: 'int',
      help: 'Seconds to wait for each step',
      schema: v.optional(
        v.pipe(
          v.number(),
          v.check(
            (seconds) => seconds > 0,
            ({ input }) => `invalid value for --timeout: ${input} (must be more than 0)`,
          ),
        ),
        30,
      ),
    },
  },
  positionals: 'none',
  async run({ options: { timeout }, env, signal, terminal }) {
    const { openEngine } = await import('../engine/index.ts');
    const engine = await within('failed to create container runtime', () =>
      withTimeLimit('creating container runtime', timeout, signal, (limited) =>
        openEngine({ env, wanted: runtimeAskedBy(env), signal: limited }),
      ),
    );
    await within('runtime ping failed', () =>
      withTimeLimit('runtime ping', timeout, signal, (limited) => engine.ping({ signal: limited })),
    );
    terminal.out('Container runtime is responsive\n');
  },
});

/** Throws `ERR_TIMEOUT` when `step` took too long. */
async function withTimeLimit<T>(
  step: string,
  seconds: number,
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(seconds * 1000);
  try {
    return await action(AbortSignal.any([signal, limit]));
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error;
    throw new ThvError(
      'ERR_TIMEOUT',
      { reason: `${step} timed out after ${seconds} seconds` },
      { cause: error },
    );
  }
}
