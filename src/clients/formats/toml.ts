import type { AST } from 'toml-eslint-parser';
import type { Entry } from '../types.ts';
import { isSame } from './is-same.ts';
import { cutLines, lineEndOf, lineStart, nextLine, splice } from './text.ts';
import {
  isTable,
  keyOf,
  parseToml,
  type TomlNode,
  type TomlValue,
  tomlKey,
  tomlValue,
  tomlValues,
} from './toml-tree.ts';
import type { SettingsFormat } from './types.ts';

type Kind = 'table' | 'array';

/** TOML with a table per server, `[section.name]`. */
export const tomlTable = createToml('table');
/** TOML with an array of tables, `[[section]]`, each carrying its name. */
export const tomlArray = createToml('array');

function createToml(kind: Kind): SettingsFormat {
  return {
    label: 'TOML',
    values: tomlValues,
    // Nothing is left behind when tables go, and an inline container keeps what stands between its brackets.
    emptiness: () => undefined,
    set: (text, section, name, entry) => set(text, section, name, entry, kind),
    remove: (text, section, name) => remove(text, section, name, kind),
  };
}

/** What makes up one entry, or a part of it. */
type Piece =
  /** A table of its own, `[section.name]`, `[section.name.env]` or `[[section]]`. */
  | { readonly type: 'table'; readonly node: AST.TOMLTable }
  /** Lines in `[section]`, or dotted keys at the top. */
  | { readonly type: 'pair'; readonly node: AST.TOMLKeyValue }
  /** An item of `section = { … }` or `section = [ … ]`. */
  | { readonly type: 'inline'; readonly container: Container; readonly item: TomlNode | TomlValue };

type Container = AST.TOMLInlineTable | AST.TOMLArray;

function set(text: string, section: string, name: string, entry: Entry, kind: Kind): string {
  const servers = tomlValues(text)[section];
  const isUsable = servers === undefined || (kind === 'table' ? isRecord(servers) : Array.isArray(servers));
  if (!isUsable) return set(removeSection(text, section), section, name, entry, kind);
  const nodes = parseToml(text);
  const pieces = findPieces(nodes, section, name, kind);
  if (pieces.length > 0 && isSame(valueIn(servers, name), entry)) return text;
  const [piece] = pieces;
  if (piece === undefined) return add(text, nodes, section, name, entry, kind);
  if (pieces.length === 1 && piece.type !== 'pair') return replace(text, piece, section, name, entry, kind);
  return set(remove(text, section, name, kind), section, name, entry, kind);
}

function remove(text: string, section: string, name: string, kind: Kind): string {
  // One piece at a time, because each cut moves the others.
  const piece = findPieces(parseToml(text), section, name, kind).at(-1);
  return piece === undefined ? text : remove(cut(text, piece), section, name, kind);
}

/** What a person made of the section, when no server can be added to it. */
function removeSection(text: string, section: string): string {
  const node = parseToml(text).findLast((candidate) =>
    isTable(candidate) ? candidate.resolvedKey[0] === section : keyOf(candidate)[0] === section,
  );
  if (node === undefined) return text;
  const piece: Piece = isTable(node) ? { type: 'table', node } : { type: 'pair', node };
  return removeSection(cut(text, piece), section);
}

function valueIn(servers: unknown, name: string): unknown {
  if (Array.isArray(servers)) return servers.find((server) => isRecord(server) && server['name'] === name);
  return isRecord(servers) ? servers[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function findPieces(nodes: readonly TomlNode[], section: string, name: string, kind: Kind): readonly Piece[] {
  return kind === 'table' ? tablePieces(nodes, section, name) : arrayPieces(nodes, section, name);
}

function tablePieces(nodes: readonly TomlNode[], section: string, name: string): readonly Piece[] {
  return nodes.flatMap((node): readonly Piece[] => {
    if (isTable(node)) {
      const [first, second] = node.resolvedKey;
      if (first !== section) return [];
      if (second === name) return [{ type: 'table', node }];
      return second === undefined ? pairsNamed(node.body, name) : [];
    }
    const [first, second] = keyOf(node);
    if (first !== section) return [];
    if (second === name) return [{ type: 'pair', node }];
    const { value } = node;
    if (second !== undefined || value.type !== 'TOMLInlineTable') return [];
    return value.body
      .filter((item) => keyOf(item)[0] === name)
      .map((item) => ({ type: 'inline', container: value, item }));
  });
}

function pairsNamed(pairs: readonly AST.TOMLKeyValue[], name: string): readonly Piece[] {
  return pairs.filter((pair) => keyOf(pair)[0] === name).map((node) => ({ type: 'pair', node }));
}

function arrayPieces(nodes: readonly TomlNode[], section: string, name: string): readonly Piece[] {
  const tables = nodes.filter(isTable).filter(({ resolvedKey: [first] }) => first === section);
  const indexes = new Set(
    tables
      .filter((table) => table.resolvedKey.length === 2 && table.body.some((pair) => isName(pair, name)))
      .map(({ resolvedKey: [, index] }) => index),
  );
  const inline = nodes.flatMap((node): readonly Piece[] => {
    if (isTable(node) || node.value.type !== 'TOMLArray' || keyOf(node).join('\0') !== section) return [];
    const container = node.value;
    return container.elements
      .filter((item) => item.type === 'TOMLInlineTable' && item.body.some((pair) => isName(pair, name)))
      .map((item) => ({ type: 'inline', container, item }));
  });
  return [
    ...tables
      .filter(({ resolvedKey: [, index] }) => indexes.has(index))
      .map((node) => ({ type: 'table', node }) as const),
    ...inline,
  ];
}

function isName(pair: AST.TOMLKeyValue, name: string): boolean {
  return keyOf(pair).join('\0') === 'name' && tomlValue(pair.value) === name;
}

function add(
  text: string,
  nodes: readonly TomlNode[],
  section: string,
  name: string,
  entry: Entry,
  kind: Kind,
): string {
  const wanted = kind === 'table' ? 'TOMLInlineTable' : 'TOMLArray';
  for (const node of nodes) {
    if (isTable(node) || keyOf(node).join('\0') !== section || node.value.type !== wanted) continue;
    return addInline(text, node.value as Container, inlineText(name, entry, kind));
  }
  const end = lineEndOf(text);
  const lines = blockLines(section, name, entry, kind).join(end);
  if (text === '') return lines + end;
  return text.endsWith('\n') ? text + end + lines + end : text + end + end + lines;
}

function addInline(text: string, container: Container, written: string): string {
  const last = itemsOf(container).at(-1);
  const at = last === undefined ? container.range[0] + 1 : last.range[1];
  return splice(text, at, at, last === undefined ? written : `, ${written}`);
}

function replace(
  text: string,
  piece: Exclude<Piece, { type: 'pair' }>,
  section: string,
  name: string,
  entry: Entry,
  kind: Kind,
): string {
  if (piece.type === 'inline') return splice(text, ...piece.item.range, inlineText(name, entry, kind));
  const [start, stop] = piece.node.range;
  return splice(text, start, stop, blockLines(section, name, entry, kind).join(lineEndOf(text)));
}

function cut(text: string, piece: Piece): string {
  if (piece.type === 'inline') return cutInline(text, piece.container, piece.item);
  const start = lineStart(text, piece.node.range[0]);
  // The empty line before a table came with it.
  const before = piece.type === 'table' ? (/(?:^|\n)(\r?\n)$/.exec(text.slice(0, start))?.[1] ?? '') : '';
  return cutLines(text, start - before.length, nextLine(text, piece.node.range[1]));
}

function cutInline(text: string, container: Container, item: TomlNode | TomlValue): string {
  const items = itemsOf(container);
  const at = items.findIndex(({ range }) => range[0] === item.range[0]);
  const [previous, next] = [items[at - 1], items[at + 1]];
  if (previous !== undefined) return splice(text, previous.range[1], item.range[1]);
  if (next !== undefined) return splice(text, item.range[0], next.range[0]);
  const comma = /^\s*,/.exec(text.slice(item.range[1]))?.[0] ?? '';
  return splice(text, item.range[0], item.range[1] + comma.length);
}

function itemsOf(container: Container): readonly (TomlNode | TomlValue)[] {
  return container.type === 'TOMLArray' ? container.elements : container.body;
}

function blockLines(section: string, name: string, entry: Entry, kind: Kind): readonly string[] {
  const header = kind === 'table' ? `[${tomlKey(section)}.${tomlKey(name)}]` : `[[${tomlKey(section)}]]`;
  return [header, ...pairTexts(entry)];
}

function inlineText(name: string, entry: Entry, kind: Kind): string {
  const table = `{ ${pairTexts(entry).join(', ')} }`;
  return kind === 'table' ? `${tomlKey(name)} = ${table}` : table;
}

/** Strings, numbers and booleans are written in TOML as in JSON. */
function pairTexts(entry: Entry): readonly string[] {
  return Object.entries(entry).map(([key, value]) => `${tomlKey(key)} = ${JSON.stringify(value)}`);
}
