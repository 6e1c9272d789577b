import { ThvError } from '../../errors/index.ts';
import { sleep } from '../../platform/index.ts';
import { type Child, takeChannel } from '../child.ts';
import { writeOrder } from '../order.ts';
import { CONTROL, type LaunchOrder, type LaunchReport, type ProceedOrder } from './launcher.ts';

/** What is said between us and the launcher before it becomes the server. To be disposed of when it has, or never will. */
export interface Dialogue extends Disposable {
  /** Resolves when the namespaces and the view are there and the launcher waits. Throws `ERR_SANDBOX_FAILED`. */
  order(order: LaunchOrder): Promise<void>;
  /** Lets it become the server; resolves when it is about to. Throws `ERR_SANDBOX_FAILED`. */
  proceed(order: ProceedOrder): Promise<void>;
}

const TIMEOUT_MS = 20_000;

export function talkTo(child: Child, signal: AbortSignal): Dialogue {
  const channel = takeChannel(child, CONTROL);
  const reports = readReports(child, channel.fd);
  async function next(): Promise<void> {
    const { problem } = await inTime(
      reports.next().then(({ value }) => value ?? { problem: 'no report' }),
      signal,
    );
    if (problem !== undefined) throw new ThvError('ERR_SANDBOX_FAILED', { reason: problem });
  }
  return {
    async order(order) {
      await writeOrder(child.stdin, order);
      await next();
    },
    async proceed(order) {
      await writeOrder(child.stdin, order);
      await next();
    },
    [Symbol.dispose]() {
      // A read that is under way ends with the child, and must not read a reused descriptor number.
      void reports.return({}).finally(() => channel[Symbol.dispose]());
    },
  };
}

async function inTime(report: Promise<LaunchReport>, signal: AbortSignal): Promise<LaunchReport> {
  const giveUp = new AbortController();
  const onAbort = () => giveUp.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([
      report,
      sleep(TIMEOUT_MS, giveUp.signal).then(() => ({
        problem: signal.aborted ? 'cancelled' : 'the sandbox did not come up in time',
      })),
    ]);
  } finally {
    giveUp.abort();
    signal.removeEventListener('abort', onAbort);
  }
}

/** When no report comes, the program that should have started the launcher in the sandbox said why on stderr. */
async function* readReports(child: Child, fd: number): AsyncGenerator<LaunchReport, LaunchReport> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of Bun.file(fd).stream()) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        yield JSON.parse(line);
      }
    }
  } catch {
    // its other end was closed; what was said before is on stderr
  }
  const words = (await new Response(child.stderr).text()).trim();
  return { problem: words === '' ? 'the sandbox ended before the process was started' : words };
}
