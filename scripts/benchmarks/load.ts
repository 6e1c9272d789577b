import { join } from 'node:path';
import { type Ground, programOf } from './ground.ts';
import { processorMsOf } from './process-usage.ts';
import { ms, perSecond } from './table.ts';

/** An endpoint under load, past its handshake. */
export interface Target {
  readonly url: string;
  readonly sessionId: string;
  /** Shown with every call. */
  readonly token?: string;
  /** The process whose processor time is counted. */
  readonly processId?: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Size of the message that is echoed; 100 unless given. */
  readonly payloadBytes?: number;
  /** Answers that are no echo have a size of their own. */
  readonly answerBytes?: number;
  readonly accept?: string;
}

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the target's process under load; 0 when it has none. */
  readonly processorMs: number;
}

interface Report extends Omit<Load, 'processorMs'> {
  readonly bytes: number;
  /** Answers that were not 2xx or 3xx. */
  readonly refused: number;
  /** Connections that failed, and answers that did not come in time. */
  readonly broken: number;
}

export const DEFAULT_PAYLOAD_BYTES = 100;

/** What clients of the streamable transport must send. */
const ACCEPT = 'application/json, text/event-stream';

/** Every run takes ids of its own: the last calls of the run before may still be under way. */
const IDS_PER_RUN = 20_000_000;
let nextId = 1_000_000_000;

/** `wrk` on one thread. Throws when not every answer was good. */
export async function applyLoad(ground: Ground, target: Target, options: LoadOptions): Promise<Load> {
  const used = () => (target.processId === undefined ? 0 : processorMsOf(target.processId));
  const usedBefore = await used();
  const report = await runWrk(ground, target, options);
  const processorMs = (await used()) - usedBefore;
  const payloadBytes = options.payloadBytes ?? DEFAULT_PAYLOAD_BYTES;
  const { refused, broken, requests, bytes } = report;
  if (requests === 0 || refused > 0 || broken > 0)
    throw new Error(`${target.url}: of ${requests} answers ${refused} were refusals, ${broken} failed`);
  // An error would be shorter than the echo.
  if (bytes / requests < (options.answerBytes ?? payloadBytes))
    throw new Error(`${target.url}: answers of ${Math.round(bytes / requests)} bytes are no echo`);
  return { ...report, processorMs };
}

/** The same for a target that fails meanwhile. */
export async function applyLoadInVain(ground: Ground, target: Target, options: LoadOptions): Promise<void> {
  await runWrk(ground, target, options);
}

async function runWrk(
  ground: Ground,
  { url, sessionId, token = '' }: Target,
  options: LoadOptions,
): Promise<Report> {
  const { connections, seconds, payloadBytes = DEFAULT_PAYLOAD_BYTES, accept = ACCEPT } = options;
  ground.signal.throwIfAborted();
  nextId += IDS_PER_RUN;
  const wrk = Bun.spawn(
    [
      programOf('wrk', 'wrk'),
      ...[
        '--threads',
        '1',
        '--connections',
        `${connections}`,
        '--duration',
        `${seconds}s`,
        '--timeout',
        '30s',
      ],
      ...['--script', join(import.meta.dir, 'load.lua'), url, '--'],
      ...[sessionId, `${payloadBytes}`, `${nextId}`, accept, token],
    ],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', signal: ground.signal, killSignal: 'SIGKILL' },
  );
  const [stdout, stderr, exitCode] = await Promise.all([wrk.stdout.text(), wrk.stderr.text(), wrk.exited]);
  ground.signal.throwIfAborted();
  const report = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (exitCode !== 0 || !report.startsWith('{')) throw new Error(`wrk failed: ${stdout}${stderr}`);
  return JSON.parse(report) as Report;
}

/** Several rounds as one; percentiles are those of the round in the middle. */
export function sum(rounds: readonly Load[]): Load {
  const middle = rounds.toSorted((a, b) => a.p50Ms - b.p50Ms)[rounds.length >> 1];
  if (middle === undefined) throw new Error('no rounds');
  return {
    ...middle,
    requests: rounds.reduce((total, { requests }) => total + requests, 0),
    seconds: rounds.reduce((total, { seconds }) => total + seconds, 0),
    processorMs: rounds.reduce((total, { processorMs }) => total + processorMs, 0),
  };
}

export function rateOf({ requests, seconds }: Load): number {
  return requests / seconds;
}

/** Processor time for one request. Unlike the rate it hardly depends on who else uses the machine. */
export function processorUsOf({ processorMs, requests }: Load): number {
  return (processorMs * 1000) / requests;
}

export function describeLoad(load: Load): string {
  return `${perSecond(rateOf(load))}, p50 ${ms(load.p50Ms)}, p99 ${ms(load.p99Ms)}`;
}
