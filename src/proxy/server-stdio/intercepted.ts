import { errorText } from '../json-rpc/index.ts';
import { failureError } from './failure.ts';
import type { Reply } from './reply.ts';

/** A call that the proxy makes on behalf of several clients: its timeout is an answer like any other (spec 04 §6.6). */
export function intercepted(reply: Reply): Reply {
  return {
    answer: (text) => reply.answer(text),
    fail(failure, id) {
      if (failure !== 'timeout') {
        reply.fail(failure, id);
        return;
      }
      const { code, message } = failureError(failure);
      reply.answer(errorText(id, code, message));
    },
    interim: (frame, weight) => reply.interim(frame, weight),
    linger: (sent) => reply.linger(sent),
  };
}
