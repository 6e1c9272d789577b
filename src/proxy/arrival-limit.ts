import { textError } from './respond.ts';

/** A request whose body may still be on its way. */
export interface Arriving {
  /** Counts the looks; a request that has seen too many is late. */
  arrivingSince: number;
  /** Answers it in place of the handler; `undefined` when nothing is awaited. */
  answerLate: ((response: Response) => void) | undefined;
}

interface ArrivalLimit extends Disposable {
  /** The handler's answer, or 408 when the request is still arriving after the limit. */
  watch(request: Arriving, answer: Promise<Response>): Promise<Response>;
  /** It has arrived: from here on the server is waited for. */
  arrived(request: Arriving): void;
}

const LOOKS = 30;

/**
 * How long requests may take to arrive, however steadily they trickle (spec 04 §2.2). One clock for all of a listener, which runs only
 * while some are on their way: a timer for each would be paid for by every call.
 */
export function createArrivalLimit(limitMs: number): ArrivalLimit {
  const arriving = new Set<Arriving>();
  let looks = 0;
  let clock: Timer | undefined;

  function look(): void {
    looks++;
    for (const request of arriving) {
      // In the order they came in.
      if (looks - request.arrivingSince <= LOOKS) break;
      arriving.delete(request);
      request.answerLate?.(late(limitMs));
    }
    if (arriving.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  }

  return {
    watch(request, answer) {
      request.arrivingSince = looks;
      arriving.add(request);
      clock ??= setInterval(look, limitMs / LOOKS).unref();
      return new Promise((resolve, reject) => {
        request.answerLate = resolve;
        answer.then(
          (response) => {
            arriving.delete(request);
            resolve(response);
          },
          (error: unknown) => {
            arriving.delete(request);
            reject(error);
          },
        );
      });
    },
    arrived(request) {
      arriving.delete(request);
    },
    [Symbol.dispose]() {
      clearInterval(clock);
    },
  };
}

function late(limitMs: number): Response {
  const response = textError(
    408,
    `Request Timeout: the body did not arrive within ${limitMs / 1000} seconds`,
  );
  response.headers.set('Connection', 'close');
  return response;
}
