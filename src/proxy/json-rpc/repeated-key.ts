import { createScan, skipString } from './scan.ts';

/**
 * A name that some object in the text has twice, however deep; `undefined` when there is none. Some parsers take the first of
 * the two and some the last, and no program that writes JSON from data writes both. The text must be valid JSON.
 */
export function findRepeatedKey(text: string): string | undefined {
  const scan = createScan(text);
  const outer: (Keys | undefined)[] = [];
  let keys: Keys | undefined;
  let isKeyNext = false;
  for (let at = 0; at < text.length; ) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = skipString(scan, at);
        if (end <= at) return undefined; // no valid JSON after all, which is for the caller to find out
        if (isKeyNext && keys !== undefined) {
          const key = keyAt(text, at, end);
          if (!keys.add(key)) return key;
          isKeyNext = false;
        }
        at = end;
        continue;
      }
      case 0x7b:
      case 0x5b:
        outer.push(keys);
        isKeyNext = text.charCodeAt(at) === 0x7b;
        keys = isKeyNext ? new Keys() : undefined;
        break;
      case 0x7d:
      case 0x5d:
        keys = outer.pop();
        isKeyNext = false;
        break;
      case 0x2c:
        isKeyNext = keys !== undefined;
        break;
    }
    at += 1;
  }
  return undefined;
}

/** Objects of up to this many members are searched one by one: nearly all are that small, and a set costs more. */
const FEW = 12;

class Keys {
  readonly #few: string[] = [];
  #many: Set<string> | undefined;

  /** `false`: it was there before. */
  add(key: string): boolean {
    if (this.#many !== undefined) {
      const { size } = this.#many;
      return this.#many.add(key).size > size;
    }
    if (this.#few.includes(key)) return false;
    this.#few.push(key);
    if (this.#few.length > FEW) this.#many = new Set(this.#few);
    return true;
  }
}

function keyAt(text: string, start: number, end: number): string {
  const quoted = text.slice(start, end);
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
