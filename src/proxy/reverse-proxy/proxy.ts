import { messageOf } from '../../errors/index.ts';
import type { Logger } from '../../platform/log.ts';
import { batchRefused } from '../batch.ts';
import { INTERNAL_ERROR } from '../json-rpc/index.ts';
import { jsonError } from '../respond.ts';
import type { Endpoint, Health, RequestContext } from '../types.ts';
import { publicEndpoint, publicPlace } from './endpoint-url.ts';
import { requestHeaders, withoutHopByHop } from './headers.ts';
import { type ForwardBody, takeBody } from './request-body.ts';
import { rewriteEndpoint } from './rewrite-endpoint.ts';
import { send } from './send.ts';
import { createTarget } from './target.ts';

export interface ReverseProxyOptions {
  readonly transport: 'sse' | 'streamable-http';
  readonly log: Logger;
  /** `http://host:port` of the server; may come later through `setTarget`. */
  readonly target?: string | undefined;
  readonly trustProxyHeaders?: boolean;
  /** `--endpoint-prefix` (spec 04 §8.5), '' for none. */
  readonly endpointPrefix?: string;
  /** How long a request waits for a server that is starting; default 5 s. */
  readonly startWaitMs?: number;
  /** How long refused connections are tried again: the server may be between two lives; default 2 s. */
  readonly refusedWaitMs?: number;
  readonly fetch?: typeof fetch;
}

/** A server that speaks HTTP itself: everything passes, nothing is interpreted that need not be (spec 04 §8). */
export interface ReverseProxy extends Endpoint {
  /** `undefined` while the server is being started again: requests wait for it a little. */
  setTarget(url: string | undefined): void;
}

const DEFAULT_START_WAIT_MS = 5000;
const DEFAULT_REFUSED_WAIT_MS = 2000;
const REFUSED_RETRY_MS = 200;
const PING_TIMEOUT_MS = 5000;

export function createReverseProxy(options: ReverseProxyOptions): ReverseProxy {
  const { transport, log, trustProxyHeaders = false, endpointPrefix = '' } = options;
  const startWaitMs = options.startWaitMs ?? DEFAULT_START_WAIT_MS;
  const refusedWaitMs = options.refusedWaitMs ?? DEFAULT_REFUSED_WAIT_MS;
  const request = options.fetch ?? fetch;
  const target = createTarget(options.target === undefined ? undefined : new URL(options.target));
  let running = 0;
  let idleWaiters: (() => void)[] = [];

  async function forward(incoming: Request, context: RequestContext): Promise<Response> {
    const body = await takeBody(incoming);
    if (body.isBatch) return batchRefused();
    context.keepOpen();
    const { signal } = incoming;
    const base = target.url ?? (await target.changed(undefined, { waitMs: startWaitMs, signal }));
    if (base === undefined) {
      context.letGo();
      return unavailable(body);
    }
    try {
      const { response, from } = await sendPatiently(base, incoming, context, body);
      if (!isEventStream(response)) context.letGo();
      return passOn(response, incoming, from);
    } catch (error) {
      if (!signal.aborted)
        log.warn('server cannot be reached', { target: base.href, error: messageOf(error) });
      return unreachable(body);
    }
  }

  /** A refused connection has carried nothing, so it may be tried again, at another address if there is one. */
  async function sendPatiently(base: URL, incoming: Request, context: RequestContext, body: ForwardBody) {
    const { method, signal } = incoming;
    const headers = requestHeaders(incoming.headers, {
      remoteAddress: context.remoteAddress,
      scheme: 'http',
    });
    // An endpoint event inside a compressed stream could not be found.
    if (transport === 'sse' && method === 'GET') headers.delete('accept-encoding');
    const giveUpAt = performance.now() + refusedWaitMs;
    let from = base;
    for (;;) {
      try {
        const url = new URL(pathAndQuery(incoming.url), from);
        return { response: await send(url, { method, headers, body, signal, fetch: request }), from };
      } catch (error) {
        if (!isRefused(error) || !body.isRepeatable || signal.aborted || performance.now() >= giveUpAt)
          throw error;
        from = (await target.changed(from, { waitMs: REFUSED_RETRY_MS, signal })) ?? from;
      }
    }
  }

  function passOn(response: Response, incoming: Request, from: URL): Response {
    const { status, statusText } = response;
    const headers = withoutHopByHop(response.headers);
    let { body } = response;
    if (body !== null && isEventStream(response) && transport === 'sse') {
      const place = publicPlace(incoming.headers, { trustProxyHeaders, endpointPrefix });
      headers.delete('content-length');
      body = rewriteEndpoint(body, (url) => publicEndpoint(url, place, from));
    }
    return new Response(body, { status, statusText, headers });
  }

  /** Spec 04 §9.2: anything but a 5xx shows that somebody is there. */
  async function ping(): Promise<Health> {
    const checkedAt = new Date();
    const startedAt = performance.now();
    if (target.url === undefined)
      return { available: false, checkedAt, error: 'the MCP server is not running' };
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), PING_TIMEOUT_MS);
    try {
      const response = await request(target.url, { redirect: 'manual', signal: controller.signal });
      await response.body?.cancel();
      const responseTimeMs = Math.round(performance.now() - startedAt);
      if (response.status < 500) return { available: true, checkedAt, responseTimeMs };
      return {
        available: false,
        checkedAt,
        responseTimeMs,
        error: `the MCP server answered ${response.status}`,
      };
    } catch (error) {
      return { available: false, checkedAt, error: messageOf(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  function finished(): void {
    running -= 1;
    if (running > 0) return;
    for (const resolve of idleWaiters) resolve();
    idleWaiters = [];
  }

  return {
    setTarget: (url) => target.set(url === undefined ? undefined : new URL(url)),
    async handle(incoming, context) {
      running += 1;
      try {
        return await forward(incoming, context);
      } finally {
        finished();
      }
    },
    health: ping,
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    async [Symbol.asyncDispose]() {
      target.close();
    },
  };
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

function pathAndQuery(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('://') + 3));
}

function isRefused(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ConnectionRefused';
}

/** Spec 04 §8.1: an empty body, unless there is a request that can be answered. */
function unreachable(body: ForwardBody): Response {
  const id = body.findId();
  if (id === undefined) return new Response(null, { status: 502 });
  return jsonError(502, { code: INTERNAL_ERROR, message: 'The MCP server cannot be reached', id });
}

function unavailable(body: ForwardBody): Response {
  const headers = { 'Retry-After': '1' };
  const id = body.findId();
  if (id === undefined) return new Response(null, { status: 503, headers });
  return jsonError(503, { code: INTERNAL_ERROR, message: 'The MCP server is not running', id, headers });
}
