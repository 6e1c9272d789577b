import { errorCode, errorMessage } from '../../proxy/index.ts';
import { readFields } from '../events/event-fields.ts';

export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** The JSON-RPC error that an answer is, alone or as the last event of a stream; `undefined` for any other one. */
export function findRpcError(answer: string | undefined, isEvents = false): RpcError | undefined {
  // Most answers are spared the second look.
  if (answer === undefined || !answer.includes('"error"')) return undefined;
  const message = isEvents ? lastData(answer) : answer;
  const code = message && errorCode(message);
  if (message === undefined || typeof code !== 'number' || Number.isNaN(code)) return undefined;
  return { code, message: errorMessage(message) ?? '' };
}

function lastData(events: string): string | undefined {
  return events
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((event) => readFields(event).data)
    .findLast((data) => data !== undefined && data !== '');
}
