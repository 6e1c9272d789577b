import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import type { Server } from 'bun';
import { messageOf, ThvError } from '../errors/index.ts';
import { type Logger, listenTwin } from '../platform/index.ts';
import { type Arriving, createArrivalLimit } from './arrival-limit.ts';
import { answerReserved } from './reserved-paths.ts';
import { pathOf, textError } from './respond.ts';
import { parseTraceParent, type TraceContext } from './trace-context.ts';
import type { Endpoint, Handler, RequestContext } from './types.ts';

export interface ListenerOptions {
  /** IPv4 address, or a name that is resolved to its first IPv4 address (spec 04 §2.2). */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The middleware chain, ending in the endpoint. */
  readonly handler: Handler;
  /** Asked for its health; disposed of when the listener stops. */
  readonly endpoint: Endpoint;
  /** `transport` in `/health` (spec 04 §9.1). */
  readonly transportLabel: string;
  /** Answers requests for RFC 9728 metadata; absent where no identity provider is asked. */
  readonly metadata?: ((request: Request) => Response) | undefined;
  readonly log: Logger;
  /** Seconds without traffic after which a connection is closed; default 30. Streams are exempt. */
  readonly idleTimeoutSeconds?: number;
  /** Seconds that a request may take to arrive, however steadily it trickles (spec 04 §2.2); default 30. */
  readonly readTimeoutSeconds?: number;
}

/** One open port. */
export interface Listener extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Takes no more connections, lets running calls finish for at most `graceMs`, then ends everything. */
  stop(options: { readonly graceMs: number }): Promise<void>;
}

const DEFAULT_IDLE_SECONDS = 30;
const DEFAULT_READ_SECONDS = 30;
const FLUSH_MS = 500;
/** Bun's timers are coarse. */
const MARGIN_SECONDS = 10;

/** Throws `ERR_LISTEN_FAILED`, with the address, when the port cannot be had (spec 04 §19.12). */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { host, port, handler, endpoint, transportLabel, metadata, log } = options;
  const reserved = { transportLabel, metadata };
  const hostname = await resolveHost(host, port);
  const idleTimeout = options.idleTimeoutSeconds ?? DEFAULT_IDLE_SECONDS;
  const readTimeout = options.readTimeoutSeconds ?? DEFAULT_READ_SECONDS;
  const arrivals = createArrivalLimit(readTimeout * 1000);
  const open = (at: string, on: number) =>
    Bun.serve({
      hostname: at,
      port: on,
      idleTimeout,
      // The body limit is a middleware with an answer of its own; Bun's would come first.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch(received, bunServer) {
        const request = withWholeUrl(received, `http://${shown(at)}:${bunServer.port}`);
        const path = pathOf(request.url);
        const refusal = answerReserved(request, path, endpoint, reserved) ?? endpoint.gate?.(request);
        if (refusal !== undefined) return refusal;
        const context = new ListenerContext(bunServer, received, path, idleTimeout, arrivals);
        if (!mayHaveBody(received)) return handler(request, context);
        // Bun's own limit, that of an idle connection, closes it without an answer: it must come later.
        bunServer.timeout(received, readTimeout + MARGIN_SECONDS);
        const answer = handler(request, context);
        return answer instanceof Promise && !context.hasArrived ? arrivals.watch(context, answer) : answer;
      },
      error(error) {
        log.error('request failed outside of every middleware', { error });
        return textError(500, 'Internal Server Error');
      },
    });
  const servers = openBoth(hostname, port, open);
  const [{ port: opened = port }] = servers;
  let stopping: Promise<void> | undefined;

  async function stop(graceMs: number): Promise<void> {
    const closed = Promise.all(servers.map((server) => server.stop(false)));
    await within(graceMs, endpoint.idle());
    await endpoint[Symbol.asyncDispose]();
    // The last answers are still on their way out; connections that merely idle are not waited for.
    await within(FLUSH_MS, closed);
    await Promise.all(servers.map((server) => server.stop(true)));
    arrivals[Symbol.dispose]();
  }

  return {
    hostname,
    port: opened,
    stop({ graceMs }) {
      stopping ??= stop(graceMs);
      return stopping;
    },
    async [Symbol.asyncDispose]() {
      stopping ??= stop(0);
      await stopping;
    },
  };
}

function mayHaveBody({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** Without a `Host` that can be used, as in HTTP/1.0, Bun gives the path alone as URL: it is taken to be ours. */
function withWholeUrl(request: Request, base: string): Request {
  if (!request.url.startsWith('/')) return request;
  const { method, headers, signal, body } = request;
  return new Request(base + request.url, { method, headers, signal, body });
}

/** Facts of one request that cost something to find out are found when they are asked for. */
class ListenerContext implements RequestContext, Arriving {
  readonly path: string;
  arrivingSince = 0;
  answerLate: Arriving['answerLate'];
  /** The handler has read what it wants of the body. */
  hasArrived = false;
  readonly #arrivals: ReturnType<typeof createArrivalLimit>;
  readonly #server: Server<undefined>;
  readonly #request: Request;
  readonly #idleSeconds: number;
  /** `null`: nobody has asked yet. */
  #trace: TraceContext | undefined | null = null;

  constructor(
    server: Server<undefined>,
    request: Request,
    path: string,
    idleSeconds: number,
    arrivals: ReturnType<typeof createArrivalLimit>,
  ) {
    this.#arrivals = arrivals;
    this.#server = server;
    this.#request = request;
    this.path = path;
    this.#idleSeconds = idleSeconds;
  }

  get remoteAddress(): string {
    return this.#server.requestIP(this.#request)?.address ?? '';
  }

  get remotePort(): number | undefined {
    return this.#server.requestIP(this.#request)?.port;
  }

  get trace(): TraceContext | undefined {
    if (this.#trace === null) this.#trace = parseTraceParent(this.#request.headers.get('traceparent'));
    return this.#trace;
  }

  set trace(trace: TraceContext | undefined) {
    this.#trace = trace;
  }

  keepOpen(): void {
    this.hasArrived = true;
    this.#arrivals.arrived(this);
    this.#server.timeout(this.#request, 0);
  }

  letGo(): void {
    this.#server.timeout(this.#request, this.#idleSeconds);
  }
}

type Servers = readonly [Server<undefined>, ...Server<undefined>[]];

/** On both addresses of `localhost` where `hostname` is one of them: all of it or nothing. */
function openBoth(
  hostname: string,
  port: number,
  open: (hostname: string, port: number) => Server<undefined>,
): Servers {
  const first = serve(`${hostname}:${port}`, () => open(hostname, port));
  const opened = first.port ?? port;
  try {
    const second = listenTwin(hostname, (twin) =>
      serve(`${shown(twin)}:${opened}`, () => open(twin, opened)),
    );
    return second === undefined ? [first] : [first, second];
  } catch (error) {
    // Any port will do: this one is ours on the address that was asked for.
    if (port === 0) return [first];
    void first.stop(true);
    throw error;
  }
}

function shown(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname;
}

function serve(address: string, start: () => Server<undefined>): Server<undefined> {
  try {
    return start();
  } catch (error) {
    throw new ThvError(
      'ERR_LISTEN_FAILED',
      { address, reason: `cannot listen on ${address}: ${messageOf(error)}` },
      { cause: error, hint: 'choose another port, or stop the program that uses this one' },
    );
  }
}

async function resolveHost(host: string, port: number): Promise<string> {
  if (isIPv4(host)) return host;
  const address = `${host}:${port}`;
  if (isIPv6(host.replace(/^\[|\]$/g, ''))) {
    throw new ThvError('ERR_LISTEN_FAILED', {
      address,
      reason: `cannot listen on ${address}: IPv6 addresses are not supported`,
    });
  }
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw new ThvError(
      'ERR_LISTEN_FAILED',
      { address, reason: `cannot listen on ${address}: ${messageOf(error)}` },
      { cause: error },
    );
  }
}

/** Waits for `work`, but not longer than the deadline; the work is not stopped by it. */
async function within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, deadlineMs);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
