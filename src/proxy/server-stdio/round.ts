import { errorText, INTERNAL_ERROR, readMessage, resultText, splice } from '../json-rpc/index.ts';
import { asModern } from './as-modern.ts';
import type { Weight } from './event-stream.ts';
import type { Failure } from './failure.ts';
import type { PostReply } from './post-reply.ts';
import type { Reply } from './reply.ts';

/** Which questions a server may ask on behalf of a call, and the capability of a client that can answer them. */
const CAPABILITY: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
]);
const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

export interface RoundFacts {
  readonly method: string;
  /** The client's id as JSON text. */
  readonly id: string;
  readonly reply: PostReply;
  /** As JSON text. */
  readonly progressToken: string | undefined;
  /** What the client says that it can do. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Called when the client is asked and the call has to be found again, and when it is over. */
  readonly onHeld: (round: Round) => void;
  readonly onOver: (round: Round) => void;
  /** Brings the client's answer to the server, which asked under that id. */
  readonly onAnswered: (serverId: string, result: string) => void;
}

/**
 * One call of a client of 2026-07-28 at a server with a handshake. A question of the server ends the client's request with
 * `input_required`; the client comes back with the answer, as a new request that goes on with the same call (spec 04 §18.4, §19.3).
 */
export class Round implements Reply {
  readonly token = crypto.randomUUID();
  readonly method: string;
  /** Monotonic milliseconds; while the client is being asked. */
  heldSince = 0;
  onGone: (() => void) | undefined;
  /** The token of the request that waits now, as JSON text: each retry may bring another one. */
  progressToken: string | undefined;
  readonly #facts: RoundFacts;
  #id: string;
  /** `undefined` while the client is being asked. */
  #reply: PostReply | undefined;
  /** The server's questions that are not answered yet, by the server's id as JSON text. */
  readonly #questions = new Map<string, { readonly key: string; readonly request: string }>();
  #asked = 0;
  /** The end of the call, which came while the client was being asked. */
  #end: ((reply: PostReply, id: string) => void) | undefined;

  constructor(facts: RoundFacts) {
    this.#facts = facts;
    this.method = facts.method;
    this.progressToken = facts.progressToken;
    this.#id = facts.id;
    this.#take(facts.reply);
  }

  /** The client is being asked: nobody waits for the server now. */
  get isHeld(): boolean {
    return this.#reply === undefined;
  }

  answer(text: string): void {
    this.#finish((reply, id) => reply.answer(withId(asModern(text, this.method), id)));
  }

  fail(failure: Failure): void {
    this.#finish((reply, id) => reply.fail(failure, id));
  }

  interim(frame: Uint8Array, weight: Weight): boolean {
    return this.#reply?.interim(frame, weight) === true;
  }

  linger(sent: boolean): void {
    this.#reply?.linger(sent);
  }

  /** Whether the client can be asked that. */
  accepts(method: string): boolean {
    const capability = CAPABILITY.get(method);
    return (
      this.#end === undefined &&
      ASKING.has(this.method) &&
      capability !== undefined &&
      this.#facts.capabilities[capability] !== undefined
    );
  }

  /** `params` is JSON text. */
  ask(serverId: string, method: string, params: string): void {
    this.#asked += 1;
    const request = `{"method":${JSON.stringify(method)},"params":${params}}`;
    this.#questions.set(serverId, { key: `q${this.#asked}`, request });
    if (this.#reply !== undefined) this.#askClient(this.#reply);
  }

  /** The server needs the answer no more; `false`: it did not ask. */
  withdraw(serverId: string): boolean {
    return this.#questions.delete(serverId);
  }

  /** The client has come back. `answers` holds the answers, each as JSON text, by the keys of the questions. */
  resume(
    { reply, id, progressToken }: Pick<RoundFacts, 'reply' | 'id' | 'progressToken'>,
    answers: (key: string) => string | undefined,
  ): void {
    this.#id = id;
    this.progressToken = progressToken;
    this.#take(reply);
    for (const [serverId, { key }] of [...this.#questions]) {
      const result = answers(key);
      if (result === undefined) continue;
      this.#questions.delete(serverId);
      this.#facts.onAnswered(serverId, result);
    }
    if (this.#end !== undefined) this.#finish(this.#end);
    else if (this.#questions.size > 0) this.#askClient(reply);
  }

  /** Nobody came back in time; gives the server's questions that stay without an answer. */
  giveUp(): readonly string[] {
    const open = [...this.#questions.keys()];
    this.#questions.clear();
    this.#end = undefined;
    this.onGone?.();
    this.#facts.onOver(this);
    return open;
  }

  #take(reply: PostReply): void {
    this.#reply = reply;
    reply.onGone = () => this.onGone?.();
  }

  #askClient(reply: PostReply): void {
    const inputRequests = [...this.#questions.values()].map(({ key, request }) => `"${key}":${request}`);
    const result = `{"resultType":"input_required","inputRequests":{${inputRequests.join(',')}},"requestState":"${this.token}"}`;
    this.#reply = undefined;
    this.heldSince = performance.now();
    this.#facts.onHeld(this);
    reply.onGone = undefined;
    reply.answer(resultText(this.#id, result));
  }

  #finish(end: (reply: PostReply, id: string) => void): void {
    const reply = this.#reply;
    if (reply === undefined) {
      this.#end = end;
      return;
    }
    this.#facts.onOver(this);
    end(reply, this.#id);
  }
}

/** What a client reads that comes back with a call that is not known, or not any more. */
export function lostRound(id: string): string {
  return errorText(id, INTERNAL_ERROR, 'The call that this is to go on with is not known any more');
}

function withId(answer: string, id: string): string {
  const message = readMessage(answer);
  return message?.kind === 'response' ? splice(answer, [{ at: message.id, by: id }]) : answer;
}
