import { ThvError } from '../errors/index.ts';
import { createDemultiplexer } from './demultiplex.ts';
import type { Call, EngineHttp } from './http.ts';
import type { OutputChunk, Waiting } from './types.ts';

interface LogsQuery extends Waiting, Pick<Call, 'path' | 'explain'> {
  readonly container: string;
  readonly follow?: boolean;
  readonly tail?: number | 'all';
}

/** Output of a container without a terminal, in arrival order (spec 03 §8). An aborted signal ends a followed log quietly. */
export async function* readLogs(
  http: EngineHttp,
  query: LogsQuery,
): AsyncGenerator<OutputChunk, void, undefined> {
  const { container, follow = false, tail, signal } = query;
  const ready: OutputChunk[] = [];
  const demultiplexer = createDemultiplexer((stream, bytes) => ready.push({ stream, bytes }));
  const check = (problem: string | undefined) => {
    if (problem === undefined) return;
    throw new ThvError('ERR_ENGINE_REQUEST', {
      reason: `failed to read the logs of container ${container}: ${problem}`,
    });
  };
  try {
    for await (const bytes of http.stream({
      method: 'GET',
      path: query.path,
      query: { stdout: 1, stderr: 1, tail, follow: follow ? 1 : undefined },
      signal,
      ...(query.explain === undefined ? {} : { explain: query.explain }),
    })) {
      const problem = demultiplexer.push(bytes);
      yield* ready.splice(0);
      check(problem);
    }
    check(demultiplexer.end());
  } catch (error) {
    if (follow && signal?.aborted) return;
    throw error;
  }
}
