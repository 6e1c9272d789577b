import { findMember, isKey, type Span, stringAt } from './member.ts';
import { createScan, INVALID, skipArray, skipObject, skipSpace } from './scan.ts';

/** One JSON-RPC 2.0 message, kept as the text it arrived in (spec 04 §2.6, §19.6): nothing is ever re-serialised. */
export type Message = Request | Notification | Response;

export interface Request {
  readonly kind: 'request';
  readonly text: string;
  readonly id: Span;
  readonly method: string;
  readonly params: Span | undefined;
  /** `params._meta`, looked up once for all who ask. */
  readonly meta: Span | undefined;
}

export interface Notification {
  readonly kind: 'notification';
  readonly text: string;
  readonly method: string;
  readonly params: Span | undefined;
}

export interface Response {
  readonly kind: 'response';
  readonly text: string;
  readonly id: Span;
  /** An answer with an `error` member is an error, whatever else it carries. */
  readonly outcome: 'result' | 'error';
  readonly result: Span | undefined;
  readonly error: Span | undefined;
}

/**
 * Classifies one message; `undefined` when the text is no JSON-RPC 2.0 message. Ids are strings or numbers; `null`
 * counts as absent. Batches are not messages: ask `isBatch` first where they deserve their own answer.
 */
export function readMessage(text: string): Message | undefined {
  const members = readMembers(text);
  if (members === undefined || stringAt(text, members.jsonrpc) !== '2.0') return undefined;
  const id = idKind(text, members.id);
  if (id === 'invalid') return undefined;
  const { params, result, error } = members;
  if (members.method !== undefined) {
    const method = stringAt(text, members.method);
    if (method === undefined) return undefined;
    if (id === 'absent' || members.id === undefined) return { kind: 'notification', text, method, params };
    const meta = findMember(text, params, '_meta');
    return { kind: 'request', text, id: members.id, method, params, meta };
  }
  if (id === 'absent' || members.id === undefined) return undefined;
  return {
    kind: 'response',
    text,
    id: members.id,
    outcome: error === undefined ? 'result' : 'error',
    result,
    error,
  };
}

/** True when the first character that is no white space opens an array, well-formed or not (spec 04 §2.5). */
export function isBatch(text: string): boolean {
  return /^[\s\u0085]*\[/.test(text);
}

/** The elements of a batch, each as it stands in the text; none when the text is no well-formed array. */
export function elementsOf(batch: string): readonly string[] {
  const elements: string[] = [];
  const end = skipArray(createScan(batch), skipSpace(batch, 0), 0, (start, valueEnd) => {
    elements.push(batch.slice(start, valueEnd));
  });
  return end !== INVALID && skipSpace(batch, end) === batch.length ? elements : [];
}

/** Message of an answer that is an error. */
export function errorMessage(answer: string): string | undefined {
  const message = readMessage(answer);
  if (message?.kind !== 'response') return undefined;
  return stringAt(answer, findMember(answer, message.error, 'message'));
}

/** Code of an answer that is an error; answers without any `error` member, the most, are not parsed for it. */
export function errorCode(answer: string): number | undefined {
  if (!answer.includes('"error"')) return undefined;
  const message = readMessage(answer);
  if (message?.kind !== 'response') return undefined;
  const code = findMember(answer, message.error, 'code');
  return code === undefined ? undefined : Number(answer.slice(code.start, code.end));
}

interface Members {
  jsonrpc: Span | undefined;
  id: Span | undefined;
  method: Span | undefined;
  params: Span | undefined;
  result: Span | undefined;
  error: Span | undefined;
}

const NAMES = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const;

function readMembers(text: string): Members | undefined {
  const members: Members = {
    jsonrpc: undefined,
    id: undefined,
    method: undefined,
    params: undefined,
    result: undefined,
    error: undefined,
  };
  const end = skipObject(createScan(text), skipSpace(text, 0), 0, (keyStart, keyEnd, start, valueEnd) => {
    for (const name of NAMES) {
      if (!isKey(text, keyStart, keyEnd, name)) continue;
      members[name] = { start, end: valueEnd };
      return;
    }
  });
  return end === INVALID || skipSpace(text, end) !== text.length ? undefined : members;
}

function idKind(text: string, id: Span | undefined): 'valid' | 'absent' | 'invalid' {
  if (id === undefined) return 'absent';
  const first = text[id.start] ?? '';
  if (first === 'n') return 'absent';
  return first === '"' || first === '-' || (first >= '0' && first <= '9') ? 'valid' : 'invalid';
}
