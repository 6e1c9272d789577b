import {
  detach,
  type Edit,
  findMember,
  notificationText,
  onOneStdinLine,
  type Request,
  requestText,
  splice,
} from '../json-rpc/index.ts';
import type { CallFacts, CallTable } from './call-table.ts';
import type { Failure } from './failure.ts';
import type { Outbound } from './outbound.ts';
import type { Reply } from './reply.ts';
import type { Call } from './session.ts';

/** Sends requests to the process under ids of our own (spec 04 §6.3, §19.1). */
export interface Forwarder {
  /** The client's request, otherwise unchanged. `undefined`: the queue is full. */
  forward(request: Request, facts: ForwardFacts): Call | undefined;
  /** A request of the proxy itself. `first`: part of the handshake, ahead of what clients sent. */
  ask(method: string, params: string, order?: Order): Promise<Outcome>;
  /** A client's initialize message on behalf of all; `first` when it is repeated to a new process. */
  initialize(request: Request, order: Order): Promise<Outcome>;
  notify(text: string): boolean;
  notifyFirst(text: string): void;
  /** Tells the process that nobody waits for `call` any more (spec 04 §19.4). */
  cancelUpstream(call: Call): void;
}

export type Order = 'first' | 'queued';
type ForwardFacts = Pick<Call, 'session' | 'reply'> &
  Partial<Pick<Call, 'onOutcome' | 'life' | 'wantsLogs' | 'revision'>>;

/** `text` is the whole answer, carrying `PLACEHOLDER_ID`. */
export type Outcome =
  | { readonly outcome: 'result' | 'error'; readonly text: string }
  | { readonly outcome: 'failed'; readonly failure: Failure };

/** Id that stored answers carry; it is spliced away wherever one of them is given to a client. */
const PLACEHOLDER_ID = '0';

export function createForwarder(calls: CallTable, outbound: Outbound, newId: () => number): Forwarder {
  function dispatch(line: string, facts: CallFacts, order: Order): Call | undefined {
    const call = calls.open(facts);
    if (order === 'first') outbound.sendFirst(line, call);
    else if (!outbound.send(line, call)) {
      calls.drop(call);
      return undefined;
    }
    return call;
  }

  function own(line: string, method: string, id: number, order: Order): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let outcome: 'result' | 'error' = 'error';
    const reply: Reply = {
      answer: (text) => resolve({ outcome, text }),
      fail: (failure) => resolve({ outcome: 'failed', failure }),
      interim: () => false,
      linger() {},
    };
    const onOutcome: Call['onOutcome'] = (seen) => {
      if (seen === 'result') outcome = seen;
    };
    const facts = {
      id,
      clientId: PLACEHOLDER_ID,
      method,
      session: undefined,
      origin: 'proxy',
      reply,
      onOutcome,
      life: 'bounded',
    } as const;
    if (dispatch(line, facts, order) === undefined) resolve({ outcome: 'failed', failure: 'busy' });
    return promise;
  }

  return {
    forward(request, { session, reply, onOutcome, life = 'bounded', wantsLogs = false, revision }) {
      const { text } = request;
      const id = newId();
      const token = findMember(text, request.meta, 'progressToken');
      const call = {
        id,
        clientId: detach(text.slice(request.id.start, request.id.end), text),
        method: request.method,
        session,
        reply,
        life,
        wantsLogs,
        revision,
        ...(token === undefined ? {} : { progressToken: detach(text.slice(token.start, token.end), text) }),
        ...(onOutcome === undefined ? {} : { onOutcome }),
      };
      return dispatch(lineOf(request, id, token), call, 'queued');
    },
    ask(method, params, order = 'queued') {
      const id = newId();
      return own(`${requestText(String(id), method, params)}\n`, method, id, order);
    },
    initialize(request, order) {
      const id = newId();
      const token = findMember(request.text, request.meta, 'progressToken');
      return own(lineOf(request, id, token), request.method, id, order);
    },
    notify: (text) => outbound.send(`${onOneStdinLine(text)}\n`),
    notifyFirst: (text) => outbound.sendFirst(`${onOneStdinLine(text)}\n`),
    cancelUpstream(call) {
      // A handshake belongs to all sessions and must not be cancelled (MCP "Cancellation").
      if (call.method === 'initialize') return;
      outbound.send(`${notificationText('notifications/cancelled', `{"requestId":${call.id}}`)}\n`);
    },
  };
}

/** The id doubles as progress token, which makes every report of progress name its call. */
function lineOf(request: Request, id: number, token: Edit['at'] | undefined): string {
  const edits: Edit[] = [{ at: request.id, by: String(id) }];
  if (token !== undefined) edits.push({ at: token, by: String(id) });
  return `${onOneStdinLine(splice(request.text, edits))}\n`;
}
