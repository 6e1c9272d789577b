/**
 * Steps over JSON text (RFC 8259) without building values. Accepts exactly what `JSON.parse` accepts, down to
 * `MAX_DEPTH` levels; every function answers the index behind what it stepped over, or `INVALID`.
 */

/** Deeper messages are refused: peers parse recursively, and so does this file. */
export const MAX_DEPTH = 512;
export const INVALID = -1;

/** A text under inspection. The cached positions keep long strings linear: each region is searched once. */
export interface Scan {
  readonly text: string;
  quote: number;
  backslash: number;
  control: number;
}

export type VisitMember = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void;

export function createScan(text: string): Scan {
  return { text, quote: INVALID, backslash: INVALID, control: INVALID };
}

export function skipSpace(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at += 1;
  }
}

export function skipValue(scan: Scan, start: number, depth = 0): number {
  switch (scan.text.charCodeAt(start)) {
    case QUOTE:
      return skipString(scan, start);
    case OPEN_BRACE:
      return skipObject(scan, start, depth);
    case OPEN_BRACKET:
      return skipArray(scan, start, depth);
    case 0x74:
      return skipWord(scan.text, start, 'true');
    case 0x66:
      return skipWord(scan.text, start, 'false');
    case 0x6e:
      return skipWord(scan.text, start, 'null');
    default:
      return skipNumber(scan.text, start);
  }
}

/** Steps over the object at `start`, showing each member to `visit`; keys are shown with their quotes. */
export function skipObject(scan: Scan, start: number, depth: number, visit?: VisitMember): number {
  const { text } = scan;
  if (depth >= MAX_DEPTH || text.charCodeAt(start) !== OPEN_BRACE) return INVALID;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return at + 1;
  for (;;) {
    const keyStart = at;
    const keyEnd = skipString(scan, at);
    if (keyEnd === INVALID) return INVALID;
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== COLON) return INVALID;
    const valueStart = skipSpace(text, at + 1);
    const valueEnd = skipValue(scan, valueStart, depth + 1);
    if (valueEnd === INVALID) return INVALID;
    visit?.(keyStart, keyEnd, valueStart, valueEnd);
    at = skipSpace(text, valueEnd);
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACE) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

/** Steps over the array at `start`, showing where each element stands to `visit`. */
export function skipArray(
  scan: Scan,
  start: number,
  depth: number,
  visit?: (start: number, end: number) => void,
): number {
  const { text } = scan;
  if (depth >= MAX_DEPTH) return INVALID;
  let at = skipSpace(text, start + 1);
  if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    const elementStart = at;
    at = skipValue(scan, at, depth + 1);
    if (at === INVALID) return INVALID;
    visit?.(elementStart, at);
    at = skipSpace(text, at);
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACKET) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipSpace(text, at + 1);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Strings are walked for this many characters, then searched natively: short keys dominate, long texts must not cost. */
const NEAR = 32;

export function skipString(scan: Scan, start: number): number {
  const { text } = scan;
  if (text.charCodeAt(start) !== QUOTE) return INVALID;
  let at = start + 1;
  for (;;) {
    const near = Math.min(at + NEAR, text.length);
    while (at < near) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) return at + 1;
      if (code < 0x20) return INVALID;
      at = code === BACKSLASH ? skipEscape(text, at) : at + 1;
      if (at === INVALID) return INVALID;
    }
    if (at >= text.length) return INVALID;
    at = findStop(scan, at);
  }
}

/** Next character from `at` on that ends or interrupts a string. */
function findStop(scan: Scan, at: number): number {
  const { text } = scan;
  if (scan.quote < at) scan.quote = orEnd(text, text.indexOf('"', at));
  if (scan.backslash < at) scan.backslash = orEnd(text, text.indexOf('\\', at));
  if (scan.control < at) scan.control = findControl(text, at);
  return Math.min(scan.quote, scan.backslash, scan.control);
}

function orEnd(text: string, index: number): number {
  return index === -1 ? text.length : index;
}

function findControl(text: string, at: number): number {
  const control = /[\u0000-\u001f]/g;
  control.lastIndex = at;
  return control.exec(text)?.index ?? text.length;
}

function skipEscape(text: string, start: number): number {
  switch (text[start + 1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return start + 2;
    case 'u':
      for (let at = start + 2; at < start + 6; at += 1) {
        if (!isHexDigit(text.charCodeAt(at))) return INVALID;
      }
      return start + 6;
    default:
      return INVALID;
  }
}

function skipWord(text: string, start: number, word: string): number {
  return text.startsWith(word, start) ? start + word.length : INVALID;
}

function skipNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === 0x2d ? start + 1 : start;
  if (text.charCodeAt(at) === 0x30) at += 1;
  else at = skipDigits(text, at);
  if (at !== INVALID && text.charCodeAt(at) === 0x2e) at = skipDigits(text, at + 1);
  if (at === INVALID) return INVALID;
  const exponent = text.charCodeAt(at);
  if (exponent !== 0x65 && exponent !== 0x45) return at;
  const sign = text.charCodeAt(at + 1);
  return skipDigits(text, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
}

/** At least one digit. */
function skipDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at === start ? INVALID : at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}
