import { errorText, onOneLine } from '../json-rpc/index.ts';
import type { RequestContext } from '../types.ts';
import type { Reply } from './call-table.ts';
import { EventStream, type StreamLimits, type Weight } from './event-stream.ts';
import { type Failure, failureError, failureResponse } from './failure.ts';
import { EVENT_STREAM_HEADERS, eventText, KEEP_ALIVE, messageFrame } from './frame.ts';

/** What the client accepts: one JSON body, or an SSE stream that may carry more than the answer (spec 04 §6.2). */
type ReplyForm = 'json' | 'event-stream';

export interface PostReplyFacts {
  readonly form: ReplyForm;
  readonly request: Request;
  readonly context: RequestContext;
  readonly limits: StreamLimits;
  /** The stream of an answer that takes its time opened; it must be kept alive until `closed`. */
  readonly onStream: (stream: EventStream) => void;
  readonly onStreamClosed: (stream: EventStream) => void;
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
  #watching = false;

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
    this.#finish(onOneLine(text), () => this.#whole(onOneLine(text)));
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
    return this.#openStream().send(frame, weight);
  }

  linger(sent: boolean): void {
    if (this.#state === 'done') return;
    this.#watch();
    if (sent && this.#state === 'waiting' && this.#facts.form === 'event-stream') {
      this.#openStream().send(KEEP_ALIVE, 'may');
    }
  }

  #finish(event: string, whole: () => Response): void {
    if (this.#state === 'done') return;
    if (this.#state === 'waiting') this.#respond(whole());
    else this.#stream?.send(messageFrame(event), 'must');
    this.#end();
  }

  #end(): void {
    this.#state = 'done';
    this.#stream?.end();
    if (!this.#watching) return;
    this.#facts.request.signal.removeEventListener('abort', this.#gone);
    if (this.#stream === undefined) this.#facts.context.letGo();
  }

  #whole(text: string): Response {
    const session = this.sessionId === undefined ? {} : { 'Mcp-Session-Id': this.sessionId };
    return this.#facts.form === 'json'
      ? new Response(text, { headers: { 'Content-Type': 'application/json', ...session } })
      : new Response(eventText('message', text), { headers: { ...EVENT_STREAM_HEADERS, ...session } });
  }

  #openStream(): EventStream {
    if (this.#stream !== undefined) return this.#stream;
    const { limits, onStream, onStreamClosed } = this.#facts;
    const stream = new EventStream({
      limits,
      onClosed: () => {
        onStreamClosed(stream);
        this.#facts.context.letGo();
        this.#gone();
      },
    });
    this.#stream = stream;
    this.#state = 'streaming';
    this.#watch();
    onStream(stream);
    this.#respond(new Response(stream.body, { headers: EVENT_STREAM_HEADERS }));
    return stream;
  }

  /** The request's signal costs something to create, so only calls that linger look at it. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { context, request } = this.#facts;
    context.keepOpen();
    if (request.signal.aborted) this.#gone();
    else request.signal.addEventListener('abort', this.#gone, { once: true });
  }

  readonly #gone = (): void => {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#stream?.abort();
    // Nobody reads it, but the listener must not wait for ever.
    this.#respond(new Response(null, { status: 204 }));
    this.onGone?.();
  };
}
