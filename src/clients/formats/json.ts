import {
  createScanner,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { Entry } from '../types.ts';
import { isSame } from './is-same.ts';
import { indentAt, lineEndOf, splice } from './text.ts';
import type { Emptiness, SettingsFormat } from './types.ts';

/**
 * JSON with comments and trailing commas. jsonc-parser finds the places; its own `modify` is not used because it
 * reformats the lines it touches, and puts a comment behind the last member at the wrong member.
 */
export const json: SettingsFormat = {
  label: 'JSON',
  values(text) {
    const root = parse(text);
    return root === undefined ? {} : getNodeValue(root);
  },
  emptiness,
  set,
  remove,
};

const COMMA = 5; // SyntaxKind.CommaToken: a const enum, which cannot be imported file by file
const isTrivia = (kind: number) => kind >= 12 && kind <= 15; // comments, line ends, white space
const isLineEnd = (kind: number) => kind === 14;

function emptiness(text: string, section: string): Emptiness | undefined {
  const root = parse(text);
  const found = root && findMember(root, section);
  if (root === undefined || root.children?.length === 0) return { section: null, file: text };
  if (found === undefined) return { section: null };
  const value = valueIn(found);
  const isEmpty = value.type === 'null' || (value.type === 'object' && value.children?.length === 0);
  return isEmpty ? { section: text.slice(value.offset, value.offset + value.length) } : undefined;
}

function set(text: string, section: string, name: string, entry: Entry): string {
  const root = parse(text);
  if (root === undefined) {
    const end = lineEndOf(text);
    const start = text === '' || text.endsWith('\n') ? text : text + end;
    return `${start}${pretty({ [section]: { [name]: entry } }, '', '  ', end)}${end}`;
  }
  const found = findMember(root, section);
  if (found === undefined) return addMember(text, root, root, section, { [name]: entry });
  const servers = valueIn(found);
  if (servers.type === 'null') return replaceValue(text, root, found, { [name]: entry });
  requireObject(servers, section);
  const member = findMember(servers, name);
  if (member === undefined) return addMember(text, root, servers, name, entry);
  return isSame(getNodeValue(valueIn(member)), entry) ? text : replaceValue(text, root, member, entry);
}

function remove(text: string, section: string, name: string, before: Emptiness | undefined): string {
  const root = parse(text);
  const found = root && findMember(root, section);
  if (found === undefined) return text;
  const servers = valueIn(found);
  const member = servers.type === 'object' ? findMember(servers, name) : undefined;
  if (member === undefined) return text;
  // A name that is there twice goes as often.
  const rest = remove(removeMember(text, servers, member), section, name, undefined);
  return before === undefined ? rest : leaveEmpty(rest, section, before);
}

/** When the last entry is gone: the section as it was before the first one came. */
function leaveEmpty(text: string, section: string, before: Emptiness): string {
  const root = parse(text);
  const found = root && findMember(root, section);
  if (root === undefined || found === undefined) return text;
  const servers = valueIn(found);
  if (servers.children?.length !== 0 || hasComment(text, servers)) return text;
  if (before.section !== null)
    return splice(text, servers.offset, servers.offset + servers.length, before.section);
  const without = removeMember(text, root, found);
  const left = parse(without);
  const isBare = left?.children?.length === 0 && !hasComment(without, left);
  return isBare && before.file !== undefined ? before.file : without;
}

/** `undefined` for a text without any value. */
function parse(text: string): Node | undefined {
  const problems: ParseError[] = [];
  const root = parseTree(text, problems, { allowTrailingComma: true, allowEmptyContent: true });
  const [problem] = problems;
  if (problem !== undefined) {
    const before = text.slice(0, problem.offset).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
    throw new Error(`${printParseErrorCode(problem.error)} at ${place}`);
  }
  if (root !== undefined && root.type !== 'object')
    throw new Error(`an object is expected, not ${root.type}`);
  return root;
}

function requireObject(node: Node, section: string): void {
  if (node.type !== 'object') throw new Error(`"${section}" is expected to be an object, not ${node.type}`);
}

/** The one that counts when a key occurs more than once: the last. */
function findMember(object: Node, key: string): Node | undefined {
  return object.children?.findLast((member) => member.children?.[0]?.value === key);
}

function valueIn(member: Node): Node {
  const value = member.children?.[1];
  if (value === undefined) throw new Error(`a value is missing at offset ${member.offset}`);
  return value;
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

function addMember(text: string, root: Node, object: Node, key: string, value: unknown): string {
  const last = object.children?.at(-1);
  return last === undefined
    ? addFirst(text, root, object, key, value)
    : addBehind(text, root, last, key, value);
}

function addFirst(text: string, root: Node, object: Node, key: string, value: unknown): string {
  const inner = text.slice(object.offset + 1, endOf(object) - 1);
  if (isOneLine(text, root)) return splice(text, object.offset + 1, endOf(object) - 1, compact(key, value));
  const end = lineEndOf(text);
  const outer = indentAt(text, object.offset);
  const indent = outer + unitOf(text, root);
  const written = inner.trimEnd(); // a comment at most
  const tail = inner.slice(written.length);
  return splice(
    text,
    object.offset + 1 + written.length,
    endOf(object) - 1,
    `${end}${indent}${member(key, value, indent, unitOf(text, root), end)}${tail.includes('\n') ? tail.slice(tail.lastIndexOf('\n') - (end.length - 1)) : end + outer}`,
  );
}

function addBehind(text: string, root: Node, last: Node, key: string, value: unknown): string {
  const lead = /\s*$/.exec(text.slice(0, last.offset))?.[0] ?? '';
  const comma = findComma(text, endOf(last));
  const at = comma === undefined ? endOf(last) : comma + 1;
  if (!lead.includes('\n')) {
    const written = `${lead}${isOneLine(text, root) && lead === '' ? compact(key, value) : oneLine(key, value)}`;
    return splice(text, at, at, comma === undefined ? `,${written}` : `${written},`);
  }
  const end = lineEndOf(text);
  const indent = indentAt(text, last.offset);
  const written = `${end}${indent}${member(key, value, indent, unitOf(text, root), end)}`;
  const behind = endOfLineComments(text, at);
  if (comma !== undefined) return splice(text, behind, behind, `${written},`);
  return splice(splice(text, behind, behind, written), at, at, ',');
}

function replaceValue(text: string, root: Node, found: Node, value: unknown): string {
  const old = valueIn(found);
  const isInline = !isFirstOnLine(text, found.offset);
  const fresh = isInline
    ? JSON.stringify(value)
    : pretty(value, indentAt(text, found.offset), unitOf(text, root), lineEndOf(text));
  return splice(text, old.offset, endOf(old), fresh);
}

function removeMember(text: string, object: Node, found: Node): string {
  const members = object.children ?? [];
  const previous = members[members.indexOf(found) - 1];
  const lead = /\s*$/.exec(text.slice(0, found.offset))?.[0] ?? '';
  const comma = findComma(text, endOf(found));
  const behind = comma === undefined ? endOf(found) : comma + 1;
  let rest = text;
  if (comma !== undefined) rest = splice(rest, comma, comma + 1);
  const space = /^[ \t]*/.exec(text.slice(behind))?.[0] ?? '';
  const isAlone =
    /^(?:\r?\n|\/[/*]|$)/.test(text.slice(behind + space.length)) || text[behind + space.length] === '}';
  // What follows on the same line takes the place that becomes free.
  rest =
    isAlone || !lead.includes('\n')
      ? splice(rest, found.offset - lead.length, endOf(found))
      : splice(rest, found.offset, endOf(found) + space.length);
  if (comma === undefined && previous !== undefined) {
    const dangling = findComma(text, endOf(previous));
    if (dangling !== undefined) rest = splice(rest, dangling, dangling + 1);
  }
  return rest;
}

/** The comma that follows a member, white space and comments between them. */
function findComma(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let kind = scanner.scan() as number;
  while (isTrivia(kind)) kind = scanner.scan() as number;
  return kind === COMMA ? scanner.getTokenOffset() : undefined;
}

/** Behind the comments that stand on the same line. */
function endOfLineComments(text: string, offset: number): number {
  const scanner = createScanner(text, false);
  scanner.setPosition(offset);
  let end = offset;
  for (;;) {
    const kind = scanner.scan() as number;
    if (!isTrivia(kind) || isLineEnd(kind)) return end;
    const token = scanner.getTokenOffset();
    if (text.slice(token, scanner.getPosition()).includes('\n')) return end;
    if (text[token] === '/') end = scanner.getPosition();
  }
}

function hasComment(text: string, empty: Node): boolean {
  return text.slice(empty.offset + 1, endOf(empty) - 1).trim() !== '';
}

function isFirstOnLine(text: string, offset: number): boolean {
  return indentAt(text, offset).length === offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

/** Written by a program for programs. */
function isOneLine(text: string, root: Node): boolean {
  return !text.slice(root.offset, endOf(root)).includes('\n') && (root.children?.length ?? 0) > 0;
}

/** One step of indentation as the file has it: that of its first member that begins a line. */
function unitOf(text: string, root: Node): string {
  const first = root.children?.find(({ offset }) => isFirstOnLine(text, offset));
  return (first && indentAt(text, first.offset)) || '  ';
}

function member(key: string, value: unknown, indent: string, unit: string, end: string): string {
  return `${JSON.stringify(key)}: ${pretty(value, indent, unit, end)}`;
}

function pretty(value: unknown, indent: string, unit: string, end: string): string {
  return JSON.stringify(value, undefined, unit).replaceAll('\n', end + indent);
}

function compact(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

function oneLine(key: string, value: unknown): string {
  return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
}
