import { type Document, isCollection, isMap, isSeq, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Entry } from '../types.ts';
import { isSame } from './is-same.ts';
import { addLinesBehind, cutLines, lineEndOf, lineStart, nextLine, splice } from './text.ts';
import type { Emptiness, SettingsFormat } from './types.ts';
import {
  columnOf,
  contentEnd,
  dashesOf,
  findPair,
  isEmptyScalar,
  isFlow,
  parseYaml,
  rootOf,
  startOf,
  yamlLines,
  yamlUnit,
} from './yaml-tree.ts';

type Kind = 'map' | 'list';
type Servers = YAMLMap | YAMLSeq;

/** YAML whose section maps names to entries. */
export const yamlMap = createYaml('map');
/** YAML whose section lists entries that carry their name. */
export const yamlList = createYaml('list');

function createYaml(kind: Kind): SettingsFormat {
  return {
    label: 'YAML',
    values: (text) => parseYaml(text).toJS() ?? {},
    emptiness: (text, section) => emptiness(text, section, kind),
    set: (text, section, name, entry) => set(text, section, name, entry, kind),
    remove: (text, section, name, before) => remove(text, section, name, before, kind),
  };
}

function emptiness(text: string, section: string, kind: Kind): Emptiness | undefined {
  const root = rootOf(parseYaml(text));
  if (root === undefined || root.items.length === 0) return { section: null, file: text };
  const pair = findPair(root, section);
  if (pair === undefined) return { section: null };
  const isEmpty = isEmptyScalar(pair.value) || (isServers(pair.value, kind) && pair.value.items.length === 0);
  return isEmpty ? { section: text.slice(contentEnd(pair.key), contentEnd(pair)) } : undefined;
}

function set(text: string, section: string, name: string, entry: Entry, kind: Kind): string {
  const document = parseYaml(text);
  const root = rootOf(document);
  const unit = yamlUnit(text, root);
  const whole = { [section]: kind === 'map' ? { [name]: entry } : [entry] };
  if (root === undefined) return append(text, yamlLines(whole, { indent: 0, unit, end: lineEndOf(text) }));
  if (isFlow(root)) return setInFlow(text, document, root, section, name, entry, kind);
  const pair = findPair(root, section);
  if (pair === undefined) return addToBlock(text, root, whole, unit);
  const servers = pair.value;
  if (isServers(servers, kind) && servers.items.length > 0) {
    const found = findEntry(servers, name);
    if (found === undefined)
      return isFlow(servers)
        ? addToFlow(text, servers, flowText(name, entry, kind))
        : addToBlock(text, servers, kind === 'map' ? { [name]: entry } : [entry], unit);
    if (isSame(valueIn(found, document), entry)) return text;
    return replaceEntry(text, servers, found, name, entry, { kind, unit });
  }
  // Empty, or of a kind that no server can be added to: recreated under the same key, whose comment stays.
  const isEmpty = isEmptyScalar(servers) || (isCollection(servers) && servers.items.length === 0);
  if (!isEmpty) return set(cutBlockItem(text, root, pair), section, name, entry, kind);
  const opened = splice(text, contentEnd(pair.key), contentEnd(pair), ':');
  const indent = columnOf(text, startOf(pair)) + unit;
  const lines = yamlLines(Object.values(whole)[0], { indent, unit, end: lineEndOf(text) });
  return addLinesBehind(opened, contentEnd(pair.key) + 1, lines);
}

function remove(
  text: string,
  section: string,
  name: string,
  before: Emptiness | undefined,
  kind: Kind,
): string {
  const root = rootOf(parseYaml(text));
  const pair = root && findPair(root, section);
  if (root === undefined || pair === undefined || !isServers(pair.value, kind)) return text;
  const servers = pair.value;
  const found = findEntry(servers, name);
  if (found === undefined) return text;
  if (servers.items.length > 1) {
    const rest = isFlow(servers) ? cutFlowItem(text, servers, found) : cutBlockItem(text, servers, found);
    // A list may hold a name more than once.
    return remove(rest, section, name, before, kind);
  }
  return leaveEmpty(text, root, pair, found, before ?? { section: kind === 'map' ? ': {}' : ': []' });
}

/** Takes the last entry out; the section is as it was before the first one came. */
function leaveEmpty(text: string, root: YAMLMap, pair: Pair, found: unknown, before: Emptiness): string {
  if (before.section === null) {
    const rest = isFlow(root) ? cutFlowItem(text, root, pair) : cutBlockItem(text, root, pair);
    return /^\s*(?:\{\s*\}\s*)?$/.test(rest) && before.file !== undefined ? before.file : rest;
  }
  const servers = pair.value as Servers;
  if (isFlow(servers)) return splice(text, contentEnd(pair.key), contentEnd(pair), before.section);
  const rest = cutBlockItem(text, servers, found);
  const colon = rest.indexOf(':', contentEnd(pair.key)) + 1;
  return splice(rest, contentEnd(pair.key), colon, before.section);
}

function isServers(node: unknown, kind: Kind): node is Servers {
  return kind === 'map' ? isMap(node) : isSeq(node);
}

/** A pair of a mapping, or an element of a list that has this name. */
function findEntry(servers: Servers, name: string): unknown {
  if (isMap(servers)) return findPair(servers, name);
  return servers.items.find((item) => isMap(item) && item.get('name') === name);
}

function valueIn(found: unknown, document: Document.Parsed): unknown {
  const node = isMap(found) ? found : (found as Pair).value;
  return (node as { toJS?(document: Document.Parsed): unknown } | null)?.toJS?.(document);
}

function append(text: string, lines: string): string {
  const end = lineEndOf(text);
  return text === '' || text.endsWith('\n') ? `${text}${lines}${end}` : `${text}${end}${lines}`;
}

/** Lines behind the last item of a block collection, at its indentation. */
function addToBlock(text: string, block: Servers, value: unknown, unit: number): string {
  const end = lineEndOf(text);
  const first = isSeq(block) ? dashesOf(block)[0] : startOf(block.items[0]);
  const lines = yamlLines(value, { indent: columnOf(text, first ?? 0), unit, end });
  const behind = contentEnd(block);
  // A block scalar ends behind its line end.
  return text[behind - 1] === '\n'
    ? splice(text, behind, behind, lines + end)
    : addLinesBehind(text, behind, lines);
}

function replaceEntry(
  text: string,
  servers: Servers,
  found: unknown,
  name: string,
  entry: Entry,
  { kind, unit }: { readonly kind: Kind; readonly unit: number },
): string {
  if (isFlow(servers)) return splice(text, startOf(found), contentEnd(found), flowText(name, entry, kind));
  const [start, end] = linesOf(text, servers, found);
  const indent = columnOf(text, isSeq(servers) ? dashOf(servers, found) : startOf(found));
  const value = kind === 'map' ? { [name]: entry } : [entry];
  const isEnded = text[end - 1] === '\n';
  const lines = yamlLines(value, { indent, unit, end: lineEndOf(text) });
  return splice(text, start, end, isEnded ? lines + lineEndOf(text) : lines);
}

function cutBlockItem(text: string, block: Servers, item: unknown): string {
  return cutLines(text, ...linesOf(text, block, item));
}

/** The whole lines an item stands on. */
function linesOf(text: string, block: Servers, item: unknown): readonly [number, number] {
  const start = isSeq(block) ? dashOf(block, item) : startOf(item);
  const end = contentEnd(item);
  return [lineStart(text, start), text[end - 1] === '\n' ? end : nextLine(text, end)];
}

function dashOf(list: YAMLSeq, item: unknown): number {
  return dashesOf(list)[list.items.indexOf(item)] ?? startOf(item);
}

/** JSON is YAML's flow style. */
function flowText(name: string, entry: Entry, kind: Kind): string {
  return kind === 'map' ? `${JSON.stringify(name)}: ${JSON.stringify(entry)}` : JSON.stringify(entry);
}

function addToFlow(text: string, flow: Servers, written: string): string {
  const last = flow.items.at(-1);
  if (last === undefined) return splice(text, startOf(flow) + 1, contentEnd(flow) - 1, written);
  return splice(text, contentEnd(last), contentEnd(last), `, ${written}`);
}

function cutFlowItem(text: string, flow: Servers, item: unknown): string {
  const items: readonly unknown[] = flow.items;
  const at = items.indexOf(item);
  const [previous, next] = [items[at - 1], items[at + 1]];
  if (previous !== undefined) return splice(text, contentEnd(previous), contentEnd(item));
  if (next !== undefined) return splice(text, startOf(item), startOf(next));
  return splice(text, startOf(flow) + 1, contentEnd(flow) - 1);
}

/** A file that is one flow mapping, JSON for instance. */
function setInFlow(
  text: string,
  document: Document.Parsed,
  root: YAMLMap,
  section: string,
  name: string,
  entry: Entry,
  kind: Kind,
): string {
  const pair = findPair(root, section);
  const written = flowText(name, entry, kind);
  const whole = kind === 'map' ? `{${written}}` : `[${written}]`;
  if (pair === undefined) return addToFlow(text, root, `${JSON.stringify(section)}: ${whole}`);
  const servers = pair.value;
  if (!isServers(servers, kind)) return splice(text, contentEnd(pair.key), contentEnd(pair), `: ${whole}`);
  const found = findEntry(servers, name);
  if (found === undefined) return addToFlow(text, servers, written);
  if (isSame(valueIn(found, document), entry)) return text;
  return splice(text, startOf(found), contentEnd(found), written);
}
