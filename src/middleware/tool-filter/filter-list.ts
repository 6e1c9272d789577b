import {
  createScan,
  errorText,
  findMember,
  findTwist,
  fold,
  INTERNAL_ERROR,
  INVALID,
  knownNames,
  readTwists,
  type Span,
  skipSpace,
  skipValue,
  splice,
  stringAt,
} from '../../proxy/index.ts';
import type { ToolRules } from './tool-rules.ts';

export const UNFILTERABLE = 'The list of tools cannot be filtered';

/**
 * A JSON-RPC text with its `tools/list` results filtered; the same text when there are none. Known by their shape, as the
 * reference knows them; everything else in them stays as it was written (spec 04 §12.3, §19.9). A list that cannot be
 * filtered becomes an error with its id.
 */
export function filterToolLists(text: string, rules: ToolRules): string {
  // Nearly all messages end here: a member `tools` needs these letters, or escapes.
  if (!TOOLS.test(text)) return text;
  const start = skipSpace(text, text.startsWith('\uFEFF') ? 1 : 0);
  if (text[start] !== '[') return filterMessage(text.slice(start), rules) ?? text;
  const messages = elementsOf(text, start);
  const changed = messages?.flatMap((at) => {
    const by = filterMessage(text.slice(at.start, at.end), rules);
    return by === undefined ? [] : [{ at, by }];
  });
  return changed === undefined || changed.length === 0 ? text : splice(text, changed);
}

/** In any spelling that a client's parser may take for it. */
const TOOLS = /tool[sſ]|\\u/i;
const RESULT = knownNames('tools');
const TOOL = knownNames('name', 'description');

/** `undefined`: no list of tools, or one in which nothing changes. */
function filterMessage(text: string, rules: ToolRules): string | undefined {
  const reading = readTwists(text);
  if (reading === undefined) return refuseUnread(text);
  const { message, twist } = reading;
  // The client might find a list where we find none, or another one.
  const id = 'id' in message ? text.slice(message.id.start, message.id.end) : undefined;
  if (twist !== undefined) return unfilterable(id);
  if (message.kind !== 'response') return undefined;
  if (findTwist(text, message.result, RESULT) !== undefined) return unfilterable(id);
  const tools = findMember(text, message.result, 'tools');
  const elements = tools && elementsOf(text, tools.start);
  if (message.result === undefined || tools === undefined || elements === undefined) return undefined;
  const kept: string[] = [];
  for (const { start, end } of elements) {
    const tool = showTool(text.slice(start, end), rules);
    if (tool === 'nameless') return unfilterable(id);
    if (tool !== 'hidden') kept.push(tool);
  }
  return splice(text, [{ at: tools, by: `[${kept.join(',')}]` }, ...makePrivate(text, message.result)]);
}

/** One tool as clients see it. */
function showTool(tool: string, rules: ToolRules): string | 'hidden' | 'nameless' {
  const whole = { start: 0, end: tool.length };
  const nameAt = tool.startsWith('{') ? findMember(tool, whole, 'name') : undefined;
  const actual = stringAt(tool, nameAt);
  if (nameAt === undefined || actual === undefined || actual === '') return 'nameless';
  if (findTwist(tool, whole, TOOL) !== undefined) return 'nameless';
  const shown = rules.show(actual);
  if (shown === undefined) return 'hidden';
  const name = shown.name === actual ? tool.slice(nameAt.start, nameAt.end) : JSON.stringify(shown.name);
  if (shown.description === undefined) return splice(tool, [{ at: nameAt, by: name }]);
  const description = JSON.stringify(shown.description);
  const descriptionAt = findMember(tool, whole, 'description');
  return descriptionAt === undefined
    ? splice(tool, [{ at: nameAt, by: `${name},"description":${description}` }])
    : splice(tool, [
        { at: nameAt, by: name },
        { at: descriptionAt, by: description },
      ]);
}

/** A shared cache must not hand one workload's view of the tools to another's clients (spec 04 §18.3). */
function makePrivate(text: string, result: Span) {
  const scope = findMember(text, result, 'cacheScope');
  if (scope !== undefined) return [{ at: scope, by: '"private"' }];
  if (findMember(text, result, 'ttlMs') === undefined) return [];
  return [{ at: { start: result.start, end: result.start + 1 }, by: '{"cacheScope":"private",' }];
}

/** What our scanner refuses, a client's parser may still take (deep nesting, no `jsonrpc`): then it must not pass. */
function refuseUnread(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // cut short, or no JSON at all: nobody can read a list out of it
  }
  const { id } = (value ?? {}) as { id?: unknown };
  const lists = membersAlike(value, 'result').flatMap((result) => membersAlike(result, 'tools'));
  if (!lists.some(Array.isArray)) return undefined;
  return unfilterable(typeof id === 'string' || typeof id === 'number' ? JSON.stringify(id) : undefined);
}

/** Values of the members that a parser may take for `name`. */
function membersAlike(value: unknown, name: string): unknown[] {
  const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return members.filter(([key]) => fold(key) === name).map(([, member]) => member);
}

function unfilterable(id: string | undefined): string {
  return errorText(id, INTERNAL_ERROR, UNFILTERABLE);
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
