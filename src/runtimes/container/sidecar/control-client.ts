import type { Decision } from '../../../egress/index.ts';
import { messageOf, ThvError } from '../../../errors/index.ts';
import { sleep } from '../../../platform/index.ts';
import { ADDRESS_HEADER, type Admission } from '../../../sidecar/index.ts';

/** The sidecar's control, over the port that the engine publishes on this machine's loopback. */
export interface ControlClient {
  readonly port: number;
  admit(admission: Admission): Promise<void>;
  withdraw(name: string): Promise<void>;
  /** Whether it answers within two seconds. */
  isAlive(): Promise<boolean>;
  /** Whether it answers, and has rules of all these workloads: one that was started again has none. */
  serves(names: Iterable<string>): Promise<boolean>;
  /** Whether something answers within two seconds, whatever it thinks of the token. */
  isListening(): Promise<boolean>;
  /** Resolves when it is gone, silent for too long, or `signal` aborts. */
  untilGone(signal: AbortSignal): Promise<void>;
  /** Ends quietly when the sidecar is gone or `signal` aborts. */
  decisions(name: string, signal: AbortSignal): AsyncGenerator<Decision, void, undefined>;
  /** The head of a request for a port of a workload that has this address now. */
  tunnelHead(name: string, port: number, address: string): string;
}

export const HOSTNAME = '127.0.0.1';
const TIMEOUT_MS = 10_000;
const ALIVE_TIMEOUT_MS = 2000;
/** More than two heartbeats. */
const SILENCE_MS = 5000;
const READY_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 15;

export function createControlClient(port: number, token: string): ControlClient {
  const ask = (path: string, init: BunFetchRequestInit = {}) =>
    fetch(`http://${HOSTNAME}:${port}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}` },
      proxy: false,
      keepalive: false,
      redirect: 'manual',
    });
  async function demand(path: string, init: RequestInit): Promise<void> {
    let answer: Response;
    try {
      answer = await ask(path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw failed(`it does not answer: ${messageOf(error)}`, error);
    }
    const text = await answer.text();
    if (!answer.ok) throw failed(text.trim());
  }
  async function* lines(path: string, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    try {
      const answer = await ask(path, { signal, timeout: false });
      if (!answer.ok || answer.body === null) return;
      let pending = '';
      const decoder = new TextDecoder();
      for await (const bytes of answer.body) {
        const parts = (pending + decoder.decode(bytes, { stream: true })).split('\n');
        pending = parts.pop() ?? '';
        yield* parts;
      }
    } catch {
      // gone, or not wanted any more: the end of the lines says so
    }
  }
  async function answers(isGood: (answer: Response, text: string) => boolean): Promise<boolean> {
    try {
      const answer = await ask('/workloads', { signal: AbortSignal.timeout(ALIVE_TIMEOUT_MS) });
      return isGood(answer, await answer.text());
    } catch {
      return false; // that is the answer
    }
  }
  return {
    port,
    admit: (admission) =>
      demand(`/workloads/${admission.name}`, { method: 'PUT', body: JSON.stringify(admission) }),
    withdraw: (name) => demand(`/workloads/${name}`, { method: 'DELETE' }),
    isAlive: () => answers((answer) => answer.ok),
    isListening: () => answers(() => true),
    serves: (names) =>
      answers(({ ok }, text) => {
        if (!ok) return false;
        const known = new Set((JSON.parse(text) as { readonly name: string }[]).map(({ name }) => name)); // boundary: a program of ours
        return [...names].every((name) => known.has(name));
      }),
    async untilGone(signal) {
      const silent = new AbortController();
      const leave = () => silent.abort();
      signal.addEventListener('abort', leave);
      let timer = setTimeout(leave, SILENCE_MS);
      try {
        for await (const _ of lines('/life', silent.signal)) {
          clearTimeout(timer);
          timer = setTimeout(leave, SILENCE_MS);
        }
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      }
    },
    async *decisions(name, signal) {
      for await (const line of lines(`/decisions/${name}`, signal))
        if (line !== '') yield JSON.parse(line) as Decision; // boundary: the sidecar is a program of ours
    },
    tunnelHead: (name, target, address) =>
      `CONNECT ${name}:${target} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n${ADDRESS_HEADER}: ${address}\r\n\r\n`,
  };
}

/** Throws `ERR_SYSTEM` when it does not answer in time. */
export async function untilReady(client: ControlClient): Promise<void> {
  for (const deadline = performance.now() + READY_TIMEOUT_MS; !(await client.isAlive()); ) {
    if (performance.now() > deadline) throw failed(`it did not come up within ${READY_TIMEOUT_MS / 1000} s`);
    await sleep(READY_POLL_MS);
  }
}

function failed(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_SYSTEM', { reason: `the egress sidecar cannot be used: ${reason}` }, { cause });
}
