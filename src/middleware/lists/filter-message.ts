import {
  createScan,
  errorText,
  findMember,
  findTwist,
  fold,
  INTERNAL_ERROR,
  INVALID,
  knownNames,
  type Message,
  type RequestContext,
  readTwists,
  type Span,
  skipSpace,
  skipValue,
  splice,
  stringAt,
} from '../../proxy/index.ts';
import type { ListItem, ListKind, ListRule } from './list-rule.ts';

/** What became of one text: the same one when there was no list in it, or nothing to change. */
export interface Filtered {
  readonly text: string;
  /** The list could not be filtered, and the text says so. */
  readonly isRefused: boolean;
}

export interface MessageFilter {
  readonly rule: ListRule;
  /** Whether a text may hold such a list; nearly all texts end here. */
  mayHold(text: string): boolean;
  /** Names that the kinds of lists have in a result. */
  readonly members: ReturnType<typeof knownNames>;
  readonly itemNames: ReadonlyMap<ListKind, ReturnType<typeof knownNames>>;
}

/** Prepared once for each rule, and that once for each proxy. */
export function createMessageFilter(rule: ListRule): MessageFilter {
  // In any spelling that a client's parser may take for it: `ſ` is an s to some, and escapes may spell anything.
  const spellings = rule.kinds.map(({ member }) => member.replaceAll('s', '[sſ]').replaceAll('S', '[Sſ]'));
  const pattern = new RegExp(`${spellings.join('|')}|\\\\u`, 'i');
  return {
    rule,
    mayHold: (text) => pattern.test(text),
    members: knownNames(...rule.kinds.map(({ member }) => member)),
    itemNames: new Map(rule.kinds.map((kind) => [kind, knownNames(kind.key, ...kind.known)])),
  };
}

/**
 * A JSON-RPC text with the lists in it filtered. Known by their shape, as the reference knows them; everything else in them stays as
 * it was written (spec 04 §12.3, §19.9; spec 05 §20-23). A list that cannot be filtered becomes an error with its id.
 */
export async function filterMessage(
  text: string,
  filter: MessageFilter,
  context: RequestContext,
): Promise<Filtered> {
  if (!filter.mayHold(text)) return { text, isRefused: false };
  const start = skipSpace(text, text.startsWith('\uFEFF') ? 1 : 0);
  if (text[start] !== '[') {
    const by = await filterOne(text.slice(start), filter, context);
    return by === undefined ? { text, isRefused: false } : by;
  }
  const edits: { at: Span; by: string }[] = [];
  for (const at of elementsOf(text, start) ?? []) {
    const by = await filterOne(text.slice(at.start, at.end), filter, context);
    if (by === undefined) continue;
    if (filter.rule.refusal.isStrict) return refuse(undefined, filter);
    edits.push({ at, by: by.text });
  }
  return { text: edits.length === 0 ? text : splice(text, edits), isRefused: false };
}

/** `undefined`: no list. */
async function filterOne(
  text: string,
  filter: MessageFilter,
  context: RequestContext,
): Promise<Filtered | undefined> {
  const reading = readTwists(text);
  if (reading === undefined) return refuseUnread(text, filter);
  const { message, twist } = reading;
  // The client might find a list where we find none, or another one.
  const id = 'id' in message ? text.slice(message.id.start, message.id.end) : undefined;
  if (twist !== undefined) return refuse(id, filter);
  if (message.kind !== 'response') return refuseStrange(text, filter);
  if (findTwist(text, message.result, filter.members) !== undefined) return refuse(id, filter);
  return filterResult(message, filter, context);
}

async function filterResult(
  { text, id: idAt, result, error }: Extract<Message, { kind: 'response' }>,
  filter: MessageFilter,
  context: RequestContext,
): Promise<Filtered | undefined> {
  const id = text.slice(idAt.start, idAt.end);
  if (result === undefined) return undefined;
  const edits: { at: Span; by: string }[] = [];
  for (const kind of filter.rule.kinds) {
    const list = findMember(text, result, kind.member);
    const elements = list && elementsOf(text, list.start);
    if (list === undefined || elements === undefined) continue;
    if (error !== undefined && filter.rule.refusal.isStrict) return refuse(id, filter);
    const items = elements.map(({ start, end }) => readItem(text.slice(start, end), kind, filter));
    if (!items.every((item) => item !== undefined)) return refuse(id, filter);
    filter.rule.onList?.(kind, items);
    edits.push({ at: list, by: `[${(await shownOf(items, filter.rule, context)).join(',')}]` });
  }
  if (edits.length === 0) return undefined;
  return { text: splice(text, [...edits, ...makePrivate(text, result)]), isRefused: false };
}

/** So many questions are asked at once where an answer takes time. */
const AT_ONCE = 16;

async function shownOf(
  items: readonly ListItem[],
  rule: ListRule,
  context: RequestContext,
): Promise<readonly string[]> {
  const shown: (string | undefined)[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const asked = items.slice(at, at + AT_ONCE).map((item) => rule.show(item, context));
    shown.push(
      ...(asked.some((answer) => answer instanceof Promise) ? await Promise.all(asked) : (asked as string[])),
    );
  }
  return shown.filter((item) => item !== undefined);
}

/** `undefined`: nothing tells which one it is, or it can be read in two ways. */
function readItem(text: string, kind: ListKind, { itemNames }: MessageFilter): ListItem | undefined {
  const whole = { start: 0, end: text.length };
  const id = text.startsWith('{') ? stringAt(text, findMember(text, whole, kind.key)) : undefined;
  if (id === undefined || id === '') return undefined;
  const known = itemNames.get(kind);
  if (known !== undefined && findTwist(text, whole, known) !== undefined) return undefined;
  return { kind, id, text };
}

/** A shared cache must not hand one caller's view of a list to another one (spec 04 §18.3). */
function makePrivate(text: string, result: Span) {
  const scope = findMember(text, result, 'cacheScope');
  if (scope !== undefined) return [{ at: scope, by: '"private"' }];
  if (findMember(text, result, 'ttlMs') === undefined) return [];
  return [{ at: { start: result.start, end: result.start + 1 }, by: '{"cacheScope":"private",' }];
}

/** What our scanner refuses, a client's parser may still take (deep nesting, no `jsonrpc`): then it must not pass. */
function refuseUnread(text: string, filter: MessageFilter): Filtered | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // cut short, or no JSON at all: nobody can read a list out of it
  }
  if (!holdsList(value, filter)) return undefined;
  const { id } = (value ?? {}) as { id?: unknown };
  return refuse(typeof id === 'string' || typeof id === 'number' ? JSON.stringify(id) : undefined, filter);
}

/** A request or a notification that has a list as its result. */
function refuseStrange(text: string, filter: MessageFilter): Filtered | undefined {
  if (!filter.rule.refusal.isStrict || !holdsList(JSON.parse(text), filter)) return undefined;
  return refuse(undefined, filter);
}

function holdsList(value: unknown, { rule }: MessageFilter): boolean {
  return membersAlike(value, 'result').some((result) =>
    rule.kinds.some(({ member }) => membersAlike(result, fold(member)).some(Array.isArray)),
  );
}

/** Values of the members that a parser may take for `name`. */
function membersAlike(value: unknown, name: string): unknown[] {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return members.filter(([key]) => fold(key) === name).map(([, member]) => member);
}

function refuse(id: string | undefined, { rule }: MessageFilter): Filtered {
  return { text: errorText(id, INTERNAL_ERROR, rule.refusal.message), isRefused: true };
}

/** Places of an array's elements; `undefined` when there is no well-formed array. */
function elementsOf(text: string, start: number): Span[] | undefined {
  const scan = createScan(text);
  const elements: Span[] = [];
  if (text[start] !== '[') return undefined;
  let at = skipSpace(text, start + 1);
  if (text[at] === ']') return elements;
  for (;;) {
    const end = skipValue(scan, at);
    if (end === INVALID) return undefined;
    elements.push({ start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ']') return elements;
    if (text[at] !== ',') return undefined;
    at = skipSpace(text, at + 1);
  }
}
