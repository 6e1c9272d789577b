import type { CedarValueJson } from '@cedar-policy/cedar-wasm/web';

export interface Conversion {
  /** What whole numbers become (spec 05 §20-13). */
  readonly numbers: 'decimal' | 'long';
  /** Hears what was left out, and why. */
  readonly warn: (why: string) => void;
}

/** A text that is no Unicode: it is another one to the server, or to Cedar, than to us. */
export class IllFormed extends Error {}

const MAX_DEPTH = 10;
/** Cedar's decimal is a whole number of 64 bits, the last four digits of which stand behind the point. */
const LARGEST_DECIMAL = 2n ** 63n - 1n;
const SCALE = 10_000;

/** A value of a claim in Cedar (spec 05 §11.3); `undefined`: it has none. Throws `IllFormed`. */
export function toCedar(value: unknown, conversion: Conversion, depth = 0): CedarValueJson | undefined {
  switch (typeof value) {
    case 'string':
      return wellFormed(value);
    case 'boolean':
      return value;
    case 'number':
      return toNumber(value, conversion.numbers);
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (depth >= MAX_DEPTH) {
    conversion.warn(`values nested more than ${MAX_DEPTH} levels deep`);
    return undefined;
  }
  if (Array.isArray(value)) return value.map((item) => toCedar(item, conversion, depth + 1)).filter(isValue);
  const members = Object.entries(value).flatMap(([key, member]) => {
    // In Cedar's JSON such a member makes something else than a record of the object around it.
    if (ESCAPES.has(key)) {
      conversion.warn(`members named ${key}, which have a meaning of their own in Cedar`);
      return [];
    }
    const converted = toCedar(member, conversion, depth + 1);
    return converted === undefined ? [] : [[wellFormed(key), converted] as const];
  });
  return Object.fromEntries(members);
}

const ESCAPES: ReadonlySet<string> = new Set(['__entity', '__extn', '__expr']);

export function toNumber(value: number, numbers: Conversion['numbers']): CedarValueJson | undefined {
  if (numbers === 'long' && Number.isInteger(value)) return Number.isSafeInteger(value) ? value : undefined;
  const arg = toDecimal(value);
  return arg === undefined ? undefined : { __extn: { fn: 'decimal', arg } };
}

/** Truncated toward zero; `undefined` for what Cedar's decimal cannot hold. */
function toDecimal(value: number): string | undefined {
  const scaled = Math.trunc(value * SCALE);
  if (!Number.isFinite(scaled)) return undefined;
  const size = BigInt(Math.abs(scaled));
  if (size > LARGEST_DECIMAL) return undefined;
  const digits = size.toString().padStart(5, '0');
  return `${scaled < 0 ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

export function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new IllFormed();
  return text;
}

function isValue(value: CedarValueJson | undefined): value is CedarValueJson {
  return value !== undefined;
}
