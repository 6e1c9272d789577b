import {
  type AuditEvent,
  type AuditLog,
  type AuditSettings,
  Cutter,
  eventTypeOf,
  outcomeOf,
} from '../../audit/index.ts';
import { readDelegation } from '../../oidc/index.ts';
import { jsonError, type MessageFacts, type RequestContext } from '../../proxy/index.ts';
import type { AuditNote, AuditReporter, Middleware } from '../types.ts';
import { readUnread } from './read-unread.ts';
import { findRpcError, type RpcError } from './rpc-error.ts';
import { watchBody } from './watch-body.ts';
import { sourceOf, subjectsOf, targetOf } from './who-and-what.ts';

export interface Audit extends AuditReporter {
  readonly middleware: Middleware;
}

interface AuditOptions {
  readonly settings: AuditSettings;
  readonly log: AuditLog;
  /** Transport of the workload. */
  readonly transport: string;
  readonly trustProxyHeaders: boolean;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** How a request ended. */
interface Ending {
  readonly status: number;
  readonly durationMs: number;
  /** What the client got, where it is to be logged. */
  readonly response?: string | undefined;
  readonly responseBytes?: number;
  readonly isResponseCut?: boolean;
  readonly rpcError?: RpcError | undefined;
  /** A body that nobody else read. */
  readonly unread?: { readonly text: string; readonly message: MessageFacts | undefined } | undefined;
}

/** JSON-RPC errors are looked for in answers up to this length. */
const LOOK_BYTES = 64 * 1024;
const UNAVAILABLE = -32_000;

/** Tells of every request that passes (spec 05 §16): what was asked, by whom, and how it ended. Nothing of it waits for the log. */
export function createAudit(options: AuditOptions): Audit {
  const { settings, log, clock } = options;
  const notes = new WeakMap<RequestContext, AuditNote>();

  function put(request: Request, context: RequestContext, ending: Ending): void {
    const message = context.message ?? ending.unread?.message;
    const type = typeOf(request, context, message);
    if (!settings.logs(type)) return;
    const cutter = new Cutter();
    const common = {
      type,
      at: clock(),
      source: sourceOf(request, context, options.trustProxyHeaders, cutter),
      subjects: subjectsOf(context.identity, cutter),
      delegation: readDelegation(context.identity?.claims['act'], settings.maxDelegationDepth),
    };
    const note = notes.get(context);
    const outcome = note?.outcome ?? outcomeOf(ending.status);
    log.put(
      type === 'sse_connection'
        ? {
            ...common,
            outcome,
            target: { endpoint: cutter.text(context.path), method: 'GET', type: 'sse_endpoint' },
            extra: { transport: options.transport, ...userAgentOf(common.source), ...note?.extra },
            isCut: cutter.isCut,
          }
        : {
            ...common,
            ...withData(request, context, ending, message, cutter),
            outcome:
              ending.rpcError === undefined || note?.outcome !== undefined ? outcome : 'application_error',
            extra: { ...extraOf(request, context, ending, cutter), ...note?.extra },
            isCut: cutter.isCut || ending.isResponseCut === true,
          },
    );
  }

  function typeOf(request: Request, context: RequestContext, message: MessageFacts | undefined): string {
    return eventTypeOf({
      httpMethod: request.method,
      accept: request.headers.get('accept'),
      method: message?.method,
      isSse: isSse(context),
    });
  }

  /** A stdio server is reached over both transports at once. */
  function isSse({ path, answersOnStream }: RequestContext): boolean {
    return options.transport === 'sse' || path === '/sse' || answersOnStream === true;
  }

  function withData(
    request: Request,
    context: RequestContext,
    ending: Ending,
    message: MessageFacts | undefined,
    cutter: Cutter,
  ): Pick<AuditEvent, 'target' | 'request' | 'response'> {
    const sent = settings.includesRequest
      ? ((context.received ?? context.body)?.text ?? ending.unread?.text)
      : undefined;
    return {
      target: targetOf(request, context, message, cutter),
      request: sent ? cutter.text(sent, settings.maxDataBytes) : undefined,
      response: ending.response || undefined,
    };
  }

  function extraOf(_: Request, context: RequestContext, ending: Ending, cutter: Cutter) {
    const { rpcError, responseBytes } = ending;
    return {
      duration_ms: ending.durationMs,
      transport: isSse(context) ? 'sse' : 'http',
      ...(responseBytes === undefined ? {} : { response_size_bytes: responseBytes }),
      ...(rpcError === undefined
        ? {}
        : { jsonrpc_error_code: rpcError.code, jsonrpc_error_message: cutter.text(rpcError.message, 256) }),
    };
  }

  async function audit(
    request: Request,
    context: RequestContext,
    next: Parameters<Middleware>[2],
  ): Promise<Response> {
    const began = performance.now();
    const took = () => Math.round(performance.now() - began);
    if (settings.failsClosed && log.failure() !== undefined) {
      put(request, context, { status: 503, durationMs: 0 });
      return refused();
    }
    let answer: string | undefined;
    if (settings.detectsErrors)
      context.onAnswer = (text) => {
        answer = text;
      };
    // A compressed answer could not be shown.
    if (settings.includesResponse) request.headers.set('Accept-Encoding', 'identity');
    let response: Response;
    try {
      response = await next(request, context);
    } catch (error) {
      put(request, context, { status: 500, durationMs: took() });
      throw error;
    }
    const { status } = response;
    const isUnread = status === 401 && context.body === undefined;
    if (isUnread) {
      const durationMs = took();
      put(request, context, { status, durationMs, unread: await readUnread(request) });
      return response;
    }
    const isLookedAt = mayHoldError(response, answer) || settings.includesResponse;
    if (!isLookedAt || typeOf(request, context, context.message) === 'sse_connection') {
      put(request, context, { status, durationMs: took(), rpcError: findRpcError(answer) });
      return response;
    }
    return watchBody(response, bytesToKeep(), ({ text, size, isWhole, isEvents }) => {
      const cutter = new Cutter();
      const shown = settings.includesResponse ? cutter.text(text, settings.maxDataBytes) : undefined;
      put(request, context, {
        status,
        durationMs: took(),
        rpcError:
          settings.detectsErrors && status < 300 && isWhole ? findRpcError(text, isEvents) : undefined,
        ...(shown === undefined ? {} : { response: shown, responseBytes: Buffer.byteLength(shown) }),
        isResponseCut: shown !== undefined && Buffer.byteLength(shown) < size,
      });
    });
  }

  function bytesToKeep(): number {
    const shown = settings.includesResponse ? settings.maxDataBytes : 0;
    return settings.detectsErrors ? Math.max(shown, LOOK_BYTES) : shown;
  }

  /** `false` for an answer in one piece: `answer` shows it. */
  function mayHoldError(response: Response, answer: string | undefined): boolean {
    if (!settings.detectsErrors || answer !== undefined || response.status >= 300) return false;
    const type = response.headers.get('content-type') ?? '';
    return type.startsWith('application/json') || type.startsWith('text/event-stream');
  }

  return {
    middleware: audit,
    note(context, note) {
      const before = notes.get(context);
      notes.set(context, { ...before, ...note, extra: { ...before?.extra, ...note.extra } });
    },
    report(context, { type, outcome, target, extra = {} }) {
      if (!settings.logs(type)) return;
      const cutter = new Cutter();
      log.put({
        type,
        at: clock(),
        outcome,
        source: { address: context.remoteAddress },
        subjects: subjectsOf(context.identity, cutter),
        target,
        extra,
        isCut: false,
      });
    },
  };
}

function userAgentOf({ userAgent }: AuditEvent['source']) {
  return userAgent === undefined ? {} : { user_agent: userAgent };
}

function refused(): Response {
  return jsonError(503, {
    code: UNAVAILABLE,
    message: 'The audit log cannot be written, and no call is let through without it',
    headers: { 'Retry-After': '5' },
  });
}
