import type { Span } from './member.ts';

/** Below 2^31: servers and clients exist whose ids are 32-bit integers. */
const ID_LIMIT = 2 ** 31;

/**
 * Ids for requests of our own: positive integers, which every peer takes (spec 04 §6.3). They start at a random value, so
 * that an answer to an earlier life of this process does not meet a new question of the same name; `isTaken` keeps them
 * unique once they have gone round.
 */
export function createOwnIds(isTaken: (id: number) => boolean): () => number {
  let last = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return () => {
    do last = (last % (ID_LIMIT - 1)) + 1;
    while (isTaken(last));
    return last;
  };
}

/**
 * One of our ids as a peer gives it back: as it was sent, or as peers write it that keep ids as text or as floating-point
 * numbers (`"7"`, `7.0`). `undefined` when the value is anything else.
 */
export function ownIdAt(text: string, span: Span | undefined): number | undefined {
  if (span === undefined) return undefined;
  const isText = text[span.start] === '"';
  const digits = isText ? text.slice(span.start + 1, span.end - 1) : text.slice(span.start, span.end);
  if (isText && !/^\d+$/.test(digits)) return undefined;
  const id = Number(digits);
  return Number.isInteger(id) ? id : undefined;
}
