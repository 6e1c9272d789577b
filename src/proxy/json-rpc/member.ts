import { createScan, INVALID, skipObject } from './scan.ts';

/** A piece of a text: `text.slice(start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the value at `path` stands inside the object at `outer`, or `undefined`. The last of several members with one
 * name wins and escaped names are understood, both as in `JSON.parse`. The text must have been read by `readMessage`.
 */
export function findMember(
  text: string,
  outer: Span | undefined,
  ...path: readonly string[]
): Span | undefined {
  let place = outer;
  for (const name of path) {
    if (place === undefined) return undefined;
    place = findOwnMember(text, place, name);
  }
  return place;
}

function findOwnMember(text: string, object: Span, name: string): Span | undefined {
  let found: Span | undefined;
  const end = skipObject(createScan(text), object.start, 0, (keyStart, keyEnd, start, valueEnd) => {
    if (isKey(text, keyStart, keyEnd, name)) found = { start, end: valueEnd };
  });
  return end === INVALID ? undefined : found;
}

/** Whether the quoted key between the two positions spells `name`. */
export function isKey(text: string, keyStart: number, keyEnd: number, name: string): boolean {
  const length = keyEnd - keyStart - 2;
  if (length === name.length && text.startsWith(name, keyStart + 1)) return true;
  if (length <= name.length) return false;
  const quoted = text.slice(keyStart, keyEnd);
  return quoted.includes('\\') && JSON.parse(quoted) === name;
}

/** The name that the quoted key between the two positions spells. */
export function keyAt(text: string, keyStart: number, keyEnd: number): string {
  const key = text.slice(keyStart + 1, keyEnd - 1);
  return key.includes('\\') ? String(JSON.parse(text.slice(keyStart, keyEnd))) : key;
}

/** The text of a JSON string, or `undefined` when the value at `span` is of another kind. */
export function stringAt(text: string, span: Span | undefined): string | undefined {
  if (span === undefined || text[span.start] !== '"') return undefined;
  const quoted = text.slice(span.start, span.end);
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
