import { acceptsJson } from '../accept.ts';
import { CAPABILITY_MISSING, HEADER_MISMATCH, VERSION_UNSUPPORTED } from '../era/index.ts';
import { errorCode, errorText, METHOD_NOT_FOUND, onOneLine } from '../json-rpc/index.ts';
import type { RequestContext } from '../types.ts';
import { EventStream, type StreamLimits, type Weight } from './event-stream.ts';
import { type Failure, failureError, failureResponse } from './failure.ts';
import { EVENT_STREAM_HEADERS, eventText, KEEP_ALIVE, messageFrame } from './frame.ts';
import type { Channel } from './replay.ts';
import type { Reply } from './reply.ts';

/**
 * How long to hold the status line while an answer in one piece is still possible: "method not found" can become 404, and a
 * large answer JSON.
 */
const STATUS_WAIT_MS = 1000;
/** The same for a client that can resume a stream: without an event id it would lose the answer with its connection. */
const RESUMABLE_WAIT_MS = 150;
/** The same for a client that loses a large answer for certain; its time limit for headers is three times as long. */
const BOUNDED_WAIT_MS = 10_000;
/** The official Python SDK from 2.0 on, by its HTTP client. */
const BOUNDS_EVENTS = /^python-httpx2\//;

/**
 * An answer of at least this many bytes is no event if it can be helped: clients bound the size of one, the official Python
 * SDK at 1 MiB, framing included.
 */
const LARGE_BYTES = 512 * 1024;

/** How long a client that knows an event id may be away before its call counts as left (spec 04 §19.4). */
const RETURN_MS = 3000;

const JSON_HEADERS = new Headers({ 'Content-Type': 'application/json' });

/** What the client accepts: one JSON body, or an SSE stream that may carry more than the answer (spec 04 §6.2). */
type ReplyForm = 'json' | 'event-stream';

export interface PostReplyFacts {
  readonly era: 'legacy' | 'modern';
  readonly form: ReplyForm;
  /** The answer is a stream, whatever the client says that it accepts (spec 04 §18.6). */
  readonly isListening?: boolean | undefined;
  readonly request: Request;
  readonly context: RequestContext;
  readonly limits: StreamLimits;
  /** The stream of an answer that takes its time opened; it must be kept alive until `closed`. */
  readonly onStream: (stream: EventStream) => void;
  readonly onStreamClosed: (stream: EventStream) => void;
  /** What this stream says is kept for a client that loses it; `undefined` where the revision has no event ids. */
  readonly openChannel?: (() => Channel | undefined) | undefined;
  /** The client knows events without data, so its stream begins with an id to come back with (MCP 2025-11-25). */
  readonly isPrimed?: boolean | undefined;
  /** Sees the answer before the client does. */
  readonly onAnswer?: ((text: string) => void) | undefined;
}

/**
 * The HTTP response to one POSTed request. An answer that comes at once is sent in one piece; only one that lingers, or
 * has something to say before its answer, pays for a stream.
 */
export class PostReply implements Reply {
  readonly response: Promise<Response>;
  /** Set once the call is known: the client left before its answer. */
  onGone: (() => void) | undefined;
  /** Id of the session that this request created (spec 04 §6.2). */
  sessionId: string | undefined;
  readonly #facts: PostReplyFacts;
  readonly #respond: (response: Response) => void;
  #state: 'waiting' | 'streaming' | 'done' = 'waiting';
  #stream: EventStream | undefined;
  #channel: Channel | undefined;
  #returning: ReturnType<typeof setTimeout> | undefined;
  #watching = false;
  readonly #startedAt = performance.now();

  constructor(facts: PostReplyFacts) {
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.#facts = facts;
    this.response = promise;
    this.#respond = resolve;
  }

  /** Whether somebody still waits for the answer. */
  get isAwaited(): boolean {
    return this.#state !== 'done';
  }

  answer(text: string): void {
    const { era, onAnswer } = this.#facts;
    onAnswer?.(text);
    const line = onOneLine(text);
    this.#finish(line, () => (era === 'modern' ? refusal(line) : undefined) ?? this.#whole(line));
  }

  fail(failure: Failure, id: string): void {
    if (failure === 'cancelled' && this.#state === 'streaming') {
      this.#end();
      return;
    }
    const { code, message } = failureError(failure);
    this.#finish(errorText(id, code, message), () =>
      this.#facts.form === 'json' || failure === 'unavailable' || failure === 'busy'
        ? failureResponse(failure, id)
        : this.#whole(errorText(id, code, message)),
    );
  }

  interim(frame: Uint8Array, weight: Weight): boolean {
    if (this.#facts.form === 'json' || this.#state === 'done') return false;
    this.#openStream();
    return this.#say(frame, weight);
  }

  linger(sent: boolean): void {
    if (this.#state === 'done') return;
    this.#watch();
    const { form } = this.#facts;
    if (!sent || this.#state !== 'waiting' || form !== 'event-stream') return;
    // A stream is 200 for good, and its events have a size limit (spec 04 §18.2).
    if (performance.now() - this.#startedAt < this.#holdMs()) return;
    const stream = this.#openStream();
    if (this.#channel === undefined) stream.send(KEEP_ALIVE, 'may');
  }

  #finish(event: string, whole: () => Response): void {
    if (this.#state === 'done') return;
    if (this.#state === 'waiting') {
      this.#facts.context.onAnswer?.(event);
      this.#respond(whole());
    }
    // An id on the only event would lead nowhere.
    else if (this.#channel === undefined) this.#stream?.send(messageFrame(event), 'must');
    else this.#channel.finish(messageFrame(event));
    this.#end();
  }

  #end(): void {
    this.#state = 'done';
    clearTimeout(this.#returning);
    this.#channel?.finish();
    this.#stream?.end();
    if (!this.#watching) return;
    this.#facts.request.signal.removeEventListener('abort', this.#left);
    if (this.#stream === undefined) this.#facts.context.letGo();
  }

  #whole(text: string): Response {
    const isJson = this.#facts.form === 'json' || (isLarge(text) && this.#takesJson());
    const response = new Response(isJson ? text : eventText('message', text), {
      headers: isJson ? JSON_HEADERS : EVENT_STREAM_HEADERS,
    });
    if (this.sessionId !== undefined) response.headers.set('Mcp-Session-Id', this.sessionId);
    return response;
  }

  #holdMs(): number {
    const { era, isPrimed, request } = this.#facts;
    if (!this.#takesJson()) return era === 'modern' ? STATUS_WAIT_MS : 0;
    if (BOUNDS_EVENTS.test(request.headers.get('user-agent') ?? '')) return BOUNDED_WAIT_MS;
    return isPrimed === true ? RESUMABLE_WAIT_MS : STATUS_WAIT_MS;
  }

  /** Whether a client that reads event streams takes one JSON body as well. */
  #takesJson(): boolean {
    const { isListening, request } = this.#facts;
    return isListening !== true && acceptsJson(request.headers.get('accept'));
  }

  #openStream(): EventStream {
    if (this.#stream !== undefined) return this.#stream;
    const { limits, onStream, onStreamClosed } = this.#facts;
    const stream = new EventStream({
      limits,
      onClosed: () => {
        onStreamClosed(stream);
        this.#facts.context.letGo();
        if (this.#channel === undefined) this.#gone();
        else this.#channel.detach(stream);
      },
    });
    this.#stream = stream;
    this.#state = 'streaming';
    this.#watch();
    onStream(stream);
    if (this.#facts.isPrimed === true) this.#openChannel()?.prime();
    this.#respond(new Response(stream.body, { headers: EVENT_STREAM_HEADERS }));
    return stream;
  }

  /** Only a stream that says something, if only an id, is worth remembering. */
  #openChannel(): Channel | undefined {
    if (this.#channel !== undefined || this.#stream === undefined) return this.#channel;
    const channel = this.#facts.openChannel?.();
    if (channel === undefined) return undefined;
    channel.attach(this.#stream);
    channel.onLost = this.#lost;
    channel.onBack = () => clearTimeout(this.#returning);
    this.#channel = channel;
    return channel;
  }

  #say(frame: Uint8Array, weight: Weight): boolean {
    return (this.#openChannel() ?? this.#stream)?.send(frame, weight) ?? false;
  }

  /** The client has an event id to come back with. */
  readonly #lost = (): void => {
    if (this.#state === 'done') return;
    clearTimeout(this.#returning);
    this.#returning = setTimeout(this.#gone, RETURN_MS);
    this.#returning.unref();
  };

  /** The request's signal costs something to create, so only calls that linger look at it. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { context, request } = this.#facts;
    context.keepOpen();
    if (request.signal.aborted) this.#left();
    else request.signal.addEventListener('abort', this.#left, { once: true });
  }

  /** The connection is gone; the stream closes with it, where there is one that can be returned to. */
  readonly #left = (): void => {
    if (this.#channel === undefined) this.#gone();
    else this.#stream?.abort();
  };

  readonly #gone = (): void => {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#channel?.finish();
    this.#stream?.abort();
    // Nobody reads it, but the listener must not wait for ever.
    this.#respond(new Response(null, { status: 204 }));
    this.onGone?.();
  };
}

function isLarge(text: string): boolean {
  if (text.length >= LARGE_BYTES) return true;
  return text.length * 3 >= LARGE_BYTES && Buffer.byteLength(text) >= LARGE_BYTES;
}

/** Clients of the modern revision look at the status of the errors that it defines (spec 04 §18.2). */
function refusal(text: string): Response | undefined {
  const status = statusOf(errorCode(text));
  return status === undefined ? undefined : new Response(text, { status, headers: JSON_HEADERS });
}

function statusOf(code: number | undefined): number | undefined {
  switch (code) {
    case METHOD_NOT_FOUND:
      return 404;
    case HEADER_MISMATCH:
    case CAPABILITY_MISSING:
    case VERSION_UNSUPPORTED:
      return 400;
    default:
      return undefined;
  }
}
