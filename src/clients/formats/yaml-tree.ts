import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml';
import { lineStart } from './text.ts';

/** Where things stand in a YAML text. The `yaml` package parses; it reformats a document when it prints it, so it does not print. */

/** Throws a plain `Error` naming line and column. */
export function parseYaml(text: string): Document.Parsed {
  const document = parseDocument(text, { keepSourceTokens: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw new Error(problem.message.split('\n')[0]?.replace(/:$/, ''));
  if (document.contents !== null && !isMap(document.contents) && !isEmptyScalar(document.contents))
    throw new Error('a mapping of keys is expected');
  return document;
}

/** `undefined` for a text without any key. */
export function rootOf(document: Document.Parsed): YAMLMap | undefined {
  return isMap(document.contents) ? (document.contents as YAMLMap) : undefined;
}

export function findPair(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

/** An empty value, written or not. */
export function isEmptyScalar(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

export function isFlow(node: unknown): boolean {
  return isCollection(node) && node.flow === true;
}

export function startOf(node: unknown): number {
  const range = isPair(node) ? rangeOf(node.key) : rangeOf(node);
  return range[0];
}

/** Where the last thing written of a node ends; a comment behind it is not part of it, a block scalar's line end is. */
export function contentEnd(node: unknown): number {
  if (isPair(node)) {
    const isWritten = node.value !== null && rangeOf(node.value)[1] > rangeOf(node.value)[0];
    return isWritten ? contentEnd(node.value) : Math.max(rangeOf(node.key)[1], valueStart(node));
  }
  if (isCollection(node) && !isFlow(node)) {
    const last = node.items.at(-1);
    if (last !== undefined) return contentEnd(last);
  }
  return rangeOf(node)[1];
}

/** Where the dash of each element of a block sequence stands. */
export function dashesOf(sequence: { readonly srcToken?: unknown }): readonly number[] {
  const token = sequence.srcToken as
    | {
        readonly items?: readonly {
          readonly start: readonly { readonly type: string; readonly offset: number }[];
        }[];
      }
    | undefined;
  return (token?.items ?? []).flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  );
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/** One step of indentation as the file has it: the first mapping inside a mapping tells. */
export function yamlUnit(text: string, root: YAMLMap | undefined): number {
  for (const pair of root?.items ?? []) {
    if (!isMap(pair.value) || isFlow(pair.value)) continue;
    const child = pair.value.items[0];
    if (child !== undefined) return columnOf(text, startOf(child)) - columnOf(text, startOf(pair));
  }
  return 4;
}

/** Lines of a value, each with `indent` before it, without a last line end. */
export function yamlLines(
  value: unknown,
  { indent, unit, end }: { readonly indent: number; readonly unit: number; readonly end: string },
): string {
  const lines = stringify(value, { indent: unit, lineWidth: 0 }).trimEnd().split('\n');
  return lines.map((line) => ' '.repeat(indent) + line).join(end);
}

function valueStart(pair: Pair): number {
  return pair.value === null ? 0 : rangeOf(pair.value)[0];
}

function rangeOf(node: unknown): readonly [number, number, number] {
  const range = (node as { readonly range?: readonly [number, number, number] | null } | null)?.range;
  if (!range) throw new Error('a node without a place in the text');
  return range;
}
