import {
  batchRefused,
  findRepeatedKey,
  fold,
  isBatch,
  type ReadBody,
  readTwists,
  textError,
  twice,
  twistRefused,
} from '../../proxy/index.ts';
import { isPlainText, refuseMismatch } from './headers.ts';

/**
 * The one place that decides whether a body may be judged by what we read in it, before anything asks what kind of message it
 * is (spec 04 §12.3). Either every parser that a server may have reads the same message, or the answer is a refusal. What no
 * parser could take for a message (forms, files, other documents) passes without one.
 */
export function judgeBody(content: Uint8Array<ArrayBuffer>, headers: Headers): ReadBody | Response {
  // In another coding the server reads what we cannot.
  if (!isPlainText(headers, content))
    return textError(415, 'Unsupported Media Type: the body must be plain UTF-8', {
      'Accept-Encoding': 'identity',
    });
  const decoded = decode(content);
  const text = decoded ?? new TextDecoder().decode(content);
  if (!mayBeJson(content, text)) return { content, text, message: undefined };
  if (decoded === undefined) return twistRefused('it is not UTF-8');
  if (content[0] === BOM_START) return twistRefused('it begins with a byte order mark');
  const reading = readTwists(text);
  if (reading === undefined) return judgeUnread(content, text);
  const repeated = reading.twist === undefined ? findRepeatedKey(text) : undefined;
  const twist = reading.twist ?? (repeated === undefined ? undefined : twice(repeated));
  if (twist !== undefined) return twistRefused(twist);
  return refuseMismatch(reading.message, headers) ?? { content, text, message: reading.message };
}

const OPEN_BRACE = 0x7b;
const BOM_START = 0xef;
const strict = new TextDecoder('utf-8', { fatal: true });

/** `undefined`: not UTF-8. A byte order mark is left out. */
function decode(content: Uint8Array): string | undefined {
  try {
    return strict.decode(content);
  } catch {
    return undefined; // some replace what is wrong, some read on in another encoding
  }
}

/**
 * Whether some parser could find an object or a list in it. Lenient ones skip white space of any kind, invisible characters,
 * comments, and the prefix `)]}'` that keeps JSON from being run as a script.
 */
function mayBeJson(content: Uint8Array, text: string): boolean {
  if (content[0] === OPEN_BRACE) return true;
  return BEGINS_JSON.test(text) || beginsWideJson(content);
}

const BEGINS_JSON = /^[\s\p{C}\ufffd]*(?:[{[#]|\/[/*]|\)\])/u;

/** In UTF-16 or UTF-32, which Python's parser recognises by their NULs and byte order marks without being told. */
function beginsWideJson(content: Uint8Array): boolean {
  const isWide = content.subarray(0, 4).includes(0) || (content[0] ?? 0) >= 0xfe;
  const first = isWide ? content.find((byte) => !WIDE_BLANKS.has(byte)) : undefined;
  return first === OPEN_BRACE || first === OPEN_BRACKET;
}

const OPEN_BRACKET = 0x5b;
const WIDE_BLANKS: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20, 0xfe, 0xff]);

/** JSON for some parser, but no message that we can read: it must not be one for the server either. */
function judgeUnread(content: Uint8Array<ArrayBuffer>, text: string): ReadBody | Response {
  if (isBatch(text)) return batchRefused();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return twistRefused('it is not JSON'); // NaN, comments, single quotes, a second value: some parsers take them
  }
  const isCall = Object.entries(value ?? {}).some(
    ([name, member]) =>
      fold(name.split('\0')[0] ?? '') === 'method' && (name !== 'method' || typeof member === 'string'),
  );
  const isTwisted = isCall || findRepeatedKey(text) !== undefined;
  return isTwisted ? twistRefused('some parsers find a method in it') : { content, text, message: undefined };
}
