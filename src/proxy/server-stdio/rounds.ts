import {
  detach,
  errorText,
  findMember,
  METHOD_NOT_FOUND,
  type Request,
  stringAt,
} from '../json-rpc/index.ts';
import type { Forwarder } from './forward.ts';
import type { PostReply } from './post-reply.ts';
import { lostRound, Round } from './round.ts';
import type { Call } from './session.ts';
import { createTicker } from './ticker.ts';

/** Calls of clients of 2026-07-28 at a server with a handshake, and the server's questions about them (spec 04 §19.3). */
export interface Rounds {
  /** How a call that begins is answered. */
  begin(request: Request, reply: PostReply, capabilities: Readonly<Record<string, unknown>>): Round;
  /** Goes on with a call whose client was asked, where the request says so; `false`: it begins one. */
  resume(request: Request, reply: PostReply): boolean;
  /** The server asks; `false`: no such client can be meant. */
  ask(question: Request): boolean;
  /** The server takes a question back; `false`: it asked none under that id, given as JSON text. */
  withdraw(serverId: string): boolean;
  stop(): void;
}

export interface RoundsOptions {
  readonly forwarder: Forwarder;
  readonly calls: () => Iterable<Call>;
}

/** People take their time; a client that has forgotten the question must not hold the call for ever. */
const ANSWER_WAIT_MS = 60 * 60 * 1000;
const MAX_HELD = 1024;
const TICK_MS = 1000;

export function createRounds({ forwarder, calls }: RoundsOptions): Rounds {
  const held = new Map<string, Round>();
  const ticker = createTicker(TICK_MS, tick);

  function tick(): boolean {
    const moment = performance.now();
    for (const round of [...held.values()]) {
      if (!round.isHeld || moment - round.heldSince < ANSWER_WAIT_MS) continue;
      for (const serverId of round.giveUp()) refuse(serverId);
    }
    return held.size > 0;
  }

  function refuse(serverId: string): void {
    forwarder.notify(errorText(serverId, METHOD_NOT_FOUND, 'The client did not answer'));
  }

  /** The one call that the server can mean: a running one, or else one whose client is being asked already. */
  function findAsking(): Round | undefined {
    let running: Round | undefined;
    let waiting: Round | undefined;
    let others = 0;
    let waitingCount = 0;
    for (const { origin, state, life, reply } of calls()) {
      if (origin === 'proxy' || state !== 'sent' || life === 'listening') continue;
      if (reply instanceof Round && reply.isHeld) {
        waiting = reply;
        waitingCount += 1;
      } else {
        others += 1;
        running = reply instanceof Round ? reply : undefined;
      }
    }
    if (others > 0) return others === 1 ? running : undefined;
    return waitingCount === 1 ? waiting : undefined;
  }

  return {
    begin: (request, reply, capabilities) =>
      new Round({
        method: request.method,
        id: request.text.slice(request.id.start, request.id.end),
        reply,
        progressToken: tokenIn(request),
        capabilities,
        onHeld(round) {
          held.set(round.token, round);
          ticker.start();
        },
        onOver: (round) => void held.delete(round.token),
        onAnswered: (serverId, result) => {
          forwarder.notify(`{"jsonrpc":"2.0","id":${serverId},"result":${result}}`);
        },
      }),
    resume(request, reply) {
      const { text, params, method } = request;
      const token = stringAt(text, findMember(text, params, 'requestState'));
      if (token === undefined) return false;
      const id = text.slice(request.id.start, request.id.end);
      const round = held.get(token);
      if (round?.isHeld !== true || round.method !== method) {
        reply.answer(lostRound(id));
        return true;
      }
      const responses = findMember(text, params, 'inputResponses');
      round.resume({ reply, id, progressToken: tokenIn(request) }, (key) => {
        const at = findMember(text, responses, key);
        return at && text.slice(at.start, at.end);
      });
      return true;
    },
    ask(question) {
      const { text, method, params } = question;
      const round = findAsking();
      if (round?.accepts(method) !== true || held.size >= MAX_HELD) return false;
      const said = params === undefined ? '{}' : text.slice(params.start, params.end);
      round.ask(text.slice(question.id.start, question.id.end), method, said);
      return true;
    },
    withdraw: (serverId) => [...held.values()].some((round) => round.withdraw(serverId)),
    stop: () => ticker.stop(),
  };
}

function tokenIn({ text, meta }: Request): string | undefined {
  const at = findMember(text, meta, 'progressToken');
  return at && detach(text.slice(at.start, at.end), text);
}
