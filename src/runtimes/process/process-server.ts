import { ThvError } from '../../errors/index.ts';
import { aborted, type RotatingFile } from '../../platform/index.ts';
import type { SandboxedProcess } from '../../processes/index.ts';
import { type EffectiveLimits, formatMemory } from '../../records/index.ts';
import type { Bridge, RunningServer, ServerEvent, ServerLink } from '../server.ts';

interface ServerFacts {
  /** `undefined` for a stdio server. */
  readonly hostPort: number | undefined;
  readonly limits: EffectiveLimits;
  /** Gets what it prints. */
  readonly output: RotatingFile;
  /** What may help when it dies. */
  readonly wayOut?: string | undefined;
}

const LAST_WORDS_CHARACTERS = 8000;
/** A server that closed its output is of no use any more. */
const SILENT_GRACE_MS = 1000;

/** One life of a server that is a process. */
export function serverOf(
  process: SandboxedProcess,
  { hostPort, limits, output, wayOut }: ServerFacts,
): RunningServer {
  let lastWords = '';
  const record = (text: string) => {
    output.append(text);
    lastWords = (lastWords + text).slice(-LAST_WORDS_CHARACTERS);
  };
  const printed = [
    forward(process.stderr, record),
    ...(hostPort === undefined ? [] : [forward(process.stdout, record)]),
  ];
  const identity = `process ${process.pid} of ${Date.now()}`;
  return {
    identity,
    wasUp: false,
    livedMs: 0,
    hostPort,
    async watch(signal): Promise<ServerEvent | undefined> {
      const exit = await Promise.race([process.exited, aborted(signal)]);
      if (exit === undefined || signal.aborted) return undefined;
      const { exitCode, signal: killedBy, limit } = exit;
      const how = killedBy === undefined ? `exit code ${exitCode}` : `ended by ${killedBy}`;
      const atLimit = limit === undefined ? undefined : describeLimit(limit, limits);
      return {
        type: 'exited',
        detail: atLimit === undefined ? how : `${how}, ${atLimit}`,
        limit: atLimit,
        wayOut: atLimit === undefined ? wayOut : undefined,
      };
    },
    confirm: async (event) => event,
    keepAttached: (bridge, signal) => connect(process, bridge, identity, signal),
    async lastWords() {
      // What it said last may still be under way.
      await Promise.race([Promise.allSettled(printed), Bun.sleep(SILENT_GRACE_MS)]);
      return lastWords.trimEnd();
    },
    stop: (graceSeconds) => process.stop(graceSeconds * 1000),
  };
}

function describeLimit(
  limit: 'memory' | 'processes',
  { memoryBytes = 0, pids = 0 }: EffectiveLimits,
): string {
  return limit === 'memory'
    ? `at its memory limit of ${formatMemory(memoryBytes)}: --memory raises it`
    : `at its limit of ${pids} processes and threads: --pids raises it`;
}

async function forward(stream: ReadableStream<Uint8Array>, record: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream) record(decoder.decode(chunk, { stream: true }));
  } catch {
    // its other end was closed the hard way: there is nothing more to be read
  }
}

async function forwardBytes(
  stream: ReadableStream<Uint8Array>,
  receive: (bytes: Uint8Array) => void,
): Promise<void> {
  try {
    for await (const chunk of stream) receive(chunk);
  } catch {
    // its other end was closed the hard way: the same as an end
  }
}

async function connect(
  process: SandboxedProcess,
  bridge: Bridge,
  identity: string,
  signal: AbortSignal,
): Promise<undefined> {
  let hasEnded = false;
  let draining = Promise.resolve();
  const link: ServerLink = bridge.attach({
    identity,
    write(lines) {
      if (hasEnded)
        throw new ThvError('ERR_ATTACH_FAILED', { container: identity, reason: 'the server has ended' });
      const waiting = [process.stdin.write(lines), process.stdin.flush()].filter(
        (each) => each instanceof Promise,
      );
      if (waiting.length === 0) return true;
      draining = Promise.all(waiting).then(() => undefined);
      // The end of the process is told by its output.
      draining.catch(() => undefined);
      return false;
    },
    drained: () => draining,
  });
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const stop = () => {
    hasEnded = true;
    link.ended('the proxy is shutting down');
    leave();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  // Read to its end even with no client left: a server that is ending must not break on what it still prints.
  await Promise.race([forwardBytes(process.stdout, link.receive), left]);
  hasEnded = true;
  signal.removeEventListener('abort', stop);
  if (signal.aborted) return undefined;
  link.ended('the server closed its output');
  await process.stop(SILENT_GRACE_MS);
  return undefined;
}
