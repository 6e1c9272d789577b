import { findMember, isKey, type Span, stringAt } from './member.ts';
import { createScan, INVALID, skipArray, skipObject, skipSpace } from './scan.ts';
import { findOddKey, findTwist, knownNames, oddly, twice } from './twist.ts';

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

/** A message, and how another parser could read a different one; `undefined`: all of them read this one. */
export interface Reading {
  readonly message: Message;
  /** In words, as the end of a sentence. */
  readonly twist: string | undefined;
}

/**
 * Classifies one message; `undefined` when the text is no JSON-RPC 2.0 message. Ids are strings or numbers; `null`
 * counts as absent. Batches are not messages: ask `isBatch` first where they deserve their own answer. For messages of the
 * server and of our own; what a client sent may be twisted, and is read by `readTwists`.
 */
export function readMessage(text: string): Message | undefined {
  return read(text);
}

/**
 * Like `readMessage`, and says in the same pass whether the envelope, the params and what of them is judged anywhere
 * (`_meta`, `clientInfo`, …) can be read differently. Whatever decides by a client's message has to look.
 */
export function readTwists(text: string): Reading | undefined {
  let twist: string | undefined;
  const message = read(text, (found) => {
    twist ??= found;
  });
  return message && { message, twist };
}

type TellTwist = (twist: string) => void;

function read(text: string, tell?: TellTwist): Message | undefined {
  const members = readMembers(text, tell);
  if (members === undefined || stringAt(text, members.jsonrpc) !== '2.0') return undefined;
  const id = idKind(text, members.id);
  if (id === 'invalid') return undefined;
  const { params, result, error } = members;
  if (members.method !== undefined) {
    const method = stringAt(text, members.method);
    if (method === undefined) return undefined;
    const judged = tell && judgeCall(text, method, members, tell);
    if (id === 'absent' || members.id === undefined) return { kind: 'notification', text, method, params };
    const meta = judged === undefined ? findMember(text, params, '_meta') : judged.meta;
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
const ENVELOPE = knownNames(...NAMES);
/** Members of `params` that something of ours, or a policy, goes by (spec 04 §12.2). */
const PARAMS = knownNames(
  '_meta',
  'name',
  'arguments',
  'uri',
  'requestId',
  'progressToken',
  'cursor',
  'level',
  'ref',
  'protocolVersion',
  'clientInfo',
  'capabilities',
  'taskId',
  'message',
  'method',
  'elicitationId',
  'modelPreferences',
  'systemPrompt',
);
/** And members of those. What is in `arguments` is the server's alone. */
const INSIDE: Readonly<Record<string, ReturnType<typeof knownNames>>> = {
  _meta: knownNames(
    'progressToken',
    'io.modelcontextprotocol/protocolVersion',
    'io.modelcontextprotocol/clientInfo',
    'io.modelcontextprotocol/clientCapabilities',
    'io.modelcontextprotocol/subscriptionId',
  ),
  clientInfo: knownNames('name', 'version'),
  ref: knownNames('type', 'name', 'uri'),
  modelPreferences: knownNames('name', 'hints'),
};

function readMembers(text: string, tell: TellTwist | undefined): Members | undefined {
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
      if (tell !== undefined && members[name] !== undefined) tell(twice(name));
      members[name] = { start, end: valueEnd };
      return;
    }
    const odd = tell && findOddKey(text, keyStart, keyEnd, ENVELOPE);
    if (odd !== undefined) tell?.(oddly(odd));
  });
  return end === INVALID || skipSpace(text, end) !== text.length ? undefined : members;
}

/** Looks at everything of a call that is judged anywhere; finds `_meta` on the way. */
function judgeCall(text: string, method: string, { params, result, error }: Members, tell: TellTwist) {
  let meta: Span | undefined;
  // What carries both is an answer to one reader and a call to another.
  if (result !== undefined || error !== undefined) tell('it is a request and an answer in one');
  if (isStrange(method)) tell('the method is not plain text');
  const outer = findTwist(text, params, PARAMS, (name, value) => {
    if (name === '_meta') meta = value;
    const known = INSIDE[name];
    const inner = known === undefined ? findStrangeText(text, name, value) : findTwist(text, value, known);
    if (inner !== undefined) tell(inner);
  });
  if (outer !== undefined) tell(outer);
  return { meta };
}

/** Members that say what is meant; others are for people to read. */
const NAMING: ReadonlySet<string> = new Set([
  'name',
  'uri',
  'requestId',
  'progressToken',
  'taskId',
  'elicitationId',
]);

function findStrangeText(text: string, name: string, value: Span): string | undefined {
  if (!NAMING.has(name)) return undefined;
  return isStrange(stringAt(text, value) ?? '') ? `${name} is not plain text` : undefined;
}

/** Half a surrogate pair becomes another character in Go and Java, and a NUL ends a text in C. */
function isStrange(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}

function idKind(text: string, id: Span | undefined): 'valid' | 'absent' | 'invalid' {
  if (id === undefined) return 'absent';
  const first = text[id.start] ?? '';
  if (first === 'n') return 'absent';
  return first === '"' || first === '-' || (first >= '0' && first <= '9') ? 'valid' : 'invalid';
}
