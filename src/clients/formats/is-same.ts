import { isDeepStrictEqual } from 'node:util';

/** Whether two decoded values say the same; parsers differ in the prototypes they give. */
export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
