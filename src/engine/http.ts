import { ThvError } from '../errors/index.ts';
import { type Deadline, givenUp, startDeadline } from '../platform/index.ts';
import { engineMessage } from './engine-message.ts';
import { refusalOf } from './refusal.ts';
import { describeSocketError } from './socket-error.ts';

/** One exchange with the engine. `path` is without version; parts of it are the caller's to encode. */
export interface Call {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly path: string;
  /** Values that are `undefined` are left out; a list gives its parameter several times. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly json?: unknown;
  /** Sent as it comes; not together with `json`. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Limit for the whole answer; default 60 s. `Infinity` for answers that come when the container does something. */
  readonly timeoutMs?: number;
  /** Statuses that are an answer here although they are not 2xx. */
  readonly accept?: readonly number[];
  /** A better error than the general one, where the caller knows what a failure means. */
  readonly explain?: (failure: Failure) => ThvError | undefined;
}

export type Failure =
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  | { readonly kind: 'unreachable'; readonly why: string; readonly cause: unknown }
  | { readonly kind: 'expired'; readonly afterMs: number };

interface Answer {
  readonly status: number;
  readonly headers: Headers;
}

/** HTTP to one engine, errors in the family of the program: `ERR_ENGINE_REQUEST`, `ERR_ENGINE_UNAVAILABLE`, `ERR_TIMEOUT`, `ERR_CANCELLED`. */
export interface EngineHttp {
  readonly address: string;
  /** The JSON of the answer. The type is the caller's claim about the Engine API; nothing checks it. */
  json<Value>(call: Call): Promise<Value>;
  /** Status and headers; a body is dropped. */
  send(call: Call): Promise<Answer>;
  /** Like `send`, with failures as data: for looking whether somebody answers. */
  attempt(call: Call): Promise<{ readonly kind: 'answered'; readonly value: Answer } | Failure>;
  /** The body as it arrives. The request is made when the first piece is asked for; leaving the loop closes the connection. */
  stream(call: Call): AsyncGenerator<Uint8Array, void, undefined>;
  /** The same engine, spoken to in `version`. */
  withVersion(version: string): EngineHttp;
}

/** What `fetch` does, over the socket or pipe of an engine. */
export type SocketFetch = (
  path: string,
  init: RequestInit & { readonly signal: AbortSignal },
) => Promise<Response>;

const DEFAULT_TIMEOUT_MS = 60_000;

export function createEngineHttp(address: string, fetchSocket: SocketFetch, version?: string): EngineHttp {
  const prefix = version === undefined ? '' : `/v${version}`;

  async function open(call: Call, signal: AbortSignal): Promise<Response | Failure> {
    const response = await fetchSocket(`${prefix}${call.path}${queryOf(call)}`, {
      method: call.method,
      signal,
      headers: {
        ...(call.json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...call.headers,
      },
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    if (response.ok || call.accept?.includes(response.status)) return response;
    const message = engineMessage(await response.text(), response.status);
    return { kind: 'refused', status: response.status, message };
  }

  async function exchange<Value>(
    call: Call,
    read: (response: Response) => Promise<Value>,
  ): Promise<{ readonly kind: 'answered'; readonly value: Value } | Failure> {
    using deadline = startDeadline({
      signal: call.signal,
      timeoutMs: finite(call.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
    try {
      const answer = await open(call, deadline.signal);
      return answer instanceof Response ? { kind: 'answered', value: await read(answer) } : answer;
    } catch (error) {
      return failureOf(call, error, deadline);
    }
  }

  async function resultOf<Value>(call: Call, read: (response: Response) => Promise<Value>): Promise<Value> {
    const outcome = await exchange(call, read);
    if (outcome.kind === 'answered') return outcome.value;
    throw explained(call, outcome, address);
  }

  return {
    address,
    attempt: (call) => exchange(call, readAnswer),
    send: (call) => resultOf(call, readAnswer),
    json: <Value>(call: Call) =>
      resultOf(
        call,
        async (response) => (await response.json()) as Value /* boundary: typed by the Engine API */,
      ),
    async *stream(call) {
      using deadline = startDeadline({ signal: call.signal, timeoutMs: finite(call.timeoutMs ?? Infinity) });
      try {
        const answer = await open(call, deadline.signal);
        if (!(answer instanceof Response)) throw explained(call, answer, address);
        // Leaving the loop early cancels the body, which closes the connection.
        for await (const bytes of answer.body ?? []) yield bytes;
      } catch (error) {
        if (error instanceof ThvError) throw error;
        throw explained(call, failureOf(call, error, deadline), address);
      }
    },
    withVersion: (negotiated) => createEngineHttp(address, fetchSocket, negotiated),
  };
}

async function readAnswer(response: Response): Promise<Answer> {
  await response.body?.cancel();
  return { status: response.status, headers: response.headers };
}

/** `fetch` over a Unix socket. */
export function unixSocketFetch(socketPath: string): SocketFetch {
  return (path, init) =>
    fetch(`http://engine${path}`, {
      ...init,
      unix: socketPath,
      proxy: false,
      redirect: 'manual',
      // A pooled connection may be one to an engine that has restarted since, and a POST must not be tried twice.
      // Reconnecting costs 0.05 ms.
      keepalive: false,
      // Bun would end a silent answer after five minutes; the deadline of the step is the only one.
      timeout: false,
    });
}

function queryOf(call: Call): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(call.query ?? {})) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(key, String(each));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function finite(timeoutMs: number): number | undefined {
  return Number.isFinite(timeoutMs) ? timeoutMs : undefined;
}

/** What an error of `fetch` or of a body means. Throws `ERR_TIMEOUT` or `ERR_CANCELLED` when the caller gave up. */
function failureOf(call: Call, error: unknown, deadline: Deadline): Failure {
  if (deadline.expired) return { kind: 'expired', afterMs: call.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  if (!call.signal?.aborted) return { kind: 'unreachable', why: describeSocketError(error), cause: error };
  const request = `${call.method} ${call.path}`;
  throw givenUp(call.signal, {
    timedOut: `${request} to the container engine timed out`,
    cancelled: `${request} to the container engine was canceled`,
  });
}

function explained(call: Call, failure: Failure, address: string): ThvError {
  const better = call.explain?.(failure);
  if (better !== undefined) return better;
  switch (failure.kind) {
    case 'refused': {
      const { message: reason, status } = failure;
      return new ThvError('ERR_ENGINE_REQUEST', { reason, status, refusal: refusalOf(reason) });
    }
    case 'unreachable': {
      const reason = `failed to talk to the container engine at ${address}: ${failure.why}`;
      return new ThvError('ERR_ENGINE_UNAVAILABLE', { reason }, { cause: failure.cause });
    }
    case 'expired': {
      const request = `${call.method} ${call.path}`;
      const reason = `the container engine at ${address} did not answer ${request} within ${failure.afterMs / 1000} s`;
      return new ThvError('ERR_TIMEOUT', { reason });
    }
  }
}
