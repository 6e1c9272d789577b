/** DNS on the wire (RFC 1035 §4), as much of it as a resolver needs that answers with addresses only. */

export interface Query {
  readonly id: number;
  /** Lower case, without the last dot; `undefined` for one that no host has, with bytes a host name cannot hold. */
  readonly name: string | undefined;
  readonly type: number;
  /** The one question as it was asked, to be repeated in the answer. */
  readonly question: Uint8Array;
  readonly recursionDesired: boolean;
}

export const TYPE = { a: 1, aaaa: 28 } as const;
export const STATUS = { ok: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4 } as const;

const HEADER_BYTES = 12;
const CLASS_IN = 1;
const LONGEST_NAME = 253;
/** Short: the answer is as good as ours was, and rules may change. */
const TTL_SECONDS = 5;
/** Keeps every answer under the 512 bytes that UDP carries without extensions. */
const MAX_ADDRESSES = 6;

/** What a datagram asks. A number is the status to refuse it with; `undefined` means that it deserves no answer. */
export function parseQuery(bytes: Uint8Array): Query | number | undefined {
  if (bytes.byteLength < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  // An answer is never answered: two servers could keep each other busy for ever.
  if ((flags & 0x8000) !== 0) return undefined;
  if ((flags & 0x7800) !== 0) return STATUS.notImplemented;
  const [questions, answers, authorities] = [view.getUint16(4), view.getUint16(6), view.getUint16(8)];
  if (questions !== 1 || answers !== 0 || authorities !== 0) return STATUS.formatError;
  const labels = readLabels(bytes, HEADER_BYTES);
  if (labels === undefined || labels.end + 4 > bytes.byteLength) return STATUS.formatError;
  if (view.getUint16(labels.end + 2) !== CLASS_IN) return STATUS.notImplemented;
  return {
    id: view.getUint16(0),
    name: labels.name,
    type: view.getUint16(labels.end),
    question: bytes.slice(HEADER_BYTES, labels.end + 4),
    recursionDesired: (flags & 0x0100) !== 0,
  };
}

/** A name in a question is never compressed (RFC 1035 §4.1.4 points backwards, and there is nothing before it). */
function readLabels(
  bytes: Uint8Array,
  start: number,
): { readonly name: string | undefined; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; at < bytes.byteLength; ) {
    const length = bytes[at] ?? 0;
    if (length === 0) {
      const name = labels.join('.').toLowerCase();
      const isHost = name.length <= LONGEST_NAME && labels.every((label) => /^[a-z0-9_-]+$/i.test(label));
      return { name: isHost && labels.length > 0 ? name : undefined, end: at + 1 };
    }
    if (length > 63 || at - start > LONGEST_NAME + 2) return undefined;
    labels.push(Buffer.from(bytes.subarray(at + 1, at + 1 + length)).toString('latin1'));
    at += 1 + length;
  }
  return undefined;
}

/** The answer to a query: addresses of the type that it asks for, all of one family. */
export function answerTo(query: Query, status: number, addresses: readonly string[] = []): Uint8Array {
  const records = addresses.slice(0, MAX_ADDRESSES).map((address) => record(query.type, address));
  return Buffer.concat([
    header(query.id, status, query.recursionDesired, 1, records.length),
    query.question,
    ...records,
  ]);
}

/** The answer to what could not be read as a query. */
export function refusalOf(bytes: Uint8Array, status: number): Uint8Array {
  return header(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), status, false, 0, 0);
}

function header(id: number, status: number, desired: boolean, questions: number, answers: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(id, 0);
  // An answer, recursion available.
  bytes.writeUInt16BE(0x8080 | (desired ? 0x0100 : 0) | status, 2);
  bytes.writeUInt16BE(questions, 4);
  bytes.writeUInt16BE(answers, 6);
  return bytes;
}

function record(type: number, address: string): Buffer {
  const data = type === TYPE.a ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const bytes = Buffer.alloc(HEADER_BYTES);
  // Points to the name of the question.
  bytes.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  bytes.writeUInt16BE(type, 2);
  bytes.writeUInt16BE(CLASS_IN, 4);
  bytes.writeUInt32BE(TTL_SECONDS, 6);
  bytes.writeUInt16BE(data.length, 10);
  return Buffer.concat([bytes, data]);
}

function ipv6Bytes(address: string): Buffer {
  const plain = address
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
      const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
      return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    });
  const [left = '', right] = plain.split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(left);
  const after = groups(right ?? '');
  const gap = right === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...new Array<number>(Math.max(0, gap)).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
