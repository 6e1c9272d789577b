import { isKey, type Span } from './member.ts';
import { createScan, skipObject } from './scan.ts';

/**
 * Parsers disagree about members: Go's and .NET's match names in any case, Go's by Unicode folding (`ſ` is an s, the Kelvin
 * sign a k); of two equal ones some take the first and some the last; C programs end a name at its first NUL. A message that
 * spells a member twice or oddly can therefore be one message to us and another one to the server.
 *
 * This is the names that are judged in one object, prepared for looking at its keys.
 */
export interface KnownNames {
  readonly names: readonly string[];
  readonly folded: ReadonlySet<string>;
  readonly longest: number;
}

export function knownNames(...names: readonly string[]): KnownNames {
  return {
    names,
    folded: new Set(names.map(fold)),
    longest: Math.max(...names.map(({ length }) => length)),
  };
}

/** The key between two quotes, where it is none of the known names but some parser could take it for one. */
export function findOddKey(
  text: string,
  keyStart: number,
  keyEnd: number,
  { folded, longest }: KnownNames,
): string | undefined {
  const quoted = text.slice(keyStart, keyEnd);
  if (!quoted.includes('\\')) {
    if (quoted.length - 2 > longest) return undefined;
    const key = quoted.slice(1, -1);
    return folded.has(fold(key)) ? key : undefined;
  }
  const key = String(JSON.parse(quoted));
  return key.includes('\0') || !key.isWellFormed() || folded.has(fold(key)) ? key : undefined;
}

/**
 * How the object at `at` could be read differently as far as the known names go; `undefined`: every parser finds the same
 * members. The text must have been read by `readMessage`; what is no object has no members.
 */
export function findTwist(
  text: string,
  at: Span | undefined,
  known: KnownNames,
  visit?: (name: string, value: Span) => void,
): string | undefined {
  if (at === undefined || text[at.start] !== '{') return undefined;
  const seen: string[] = [];
  let twist: string | undefined;
  skipObject(createScan(text), at.start, 0, (keyStart, keyEnd, start, end) => {
    const name = known.names.find((each) => isKey(text, keyStart, keyEnd, each));
    if (name === undefined) {
      const odd = findOddKey(text, keyStart, keyEnd, known);
      if (odd !== undefined) twist ??= oddly(odd);
      return;
    }
    if (seen.includes(name)) twist ??= twice(name);
    seen.push(name);
    visit?.(name, { start, end });
  });
  return twist;
}

/** Upper case first: only that way do `ſ` and the Kelvin sign meet the letters that Go folds them to. */
export function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

export function oddly(key: string): string {
  return `member ${shown(key)} is not spelt as the protocol spells it`;
}

export function twice(key: string): string {
  return `member ${shown(key)} is there twice`;
}

function shown(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
