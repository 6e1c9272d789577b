import { parseDuration } from '../platform/index.ts';
import type { FlagKind, FlagValue } from './flag.ts';

/** `problem` names what is wrong in the words of the Go function that the reference uses for the kind. */
export type ParsedValue = { readonly value: FlagValue } | { readonly problem: string };

/** One occurrence of a flag as its value (spec 01 §1.1). */
export function parseFlagValue(kind: FlagKind, text: string): ParsedValue {
  switch (kind) {
    case 'bool':
      return parseBool(text);
    case 'int':
      return parseInteger(text);
    case 'duration': {
      const parsed = parseDuration(text);
      return 'ms' in parsed ? { value: parsed.ms } : parsed;
    }
    case 'string':
      return { value: text };
    case 'stringArray':
      return { value: [text] };
    case 'strings':
      return parseCsvRecord(text);
  }
}

/** The words of Go's `strconv.ParseBool`; `undefined` for any other. */
export function findBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}

function parseBool(text: string): ParsedValue {
  const value = findBool(text);
  return value === undefined
    ? { problem: `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax` }
    : { value };
}

function parseInteger(text: string): ParsedValue {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[0-9]+)$/.exec(text);
  if (match === null) return { problem: `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax` };
  const size = Number(match[2]);
  if (!Number.isSafeInteger(size)) {
    return { problem: `strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range` };
  }
  return { value: match[1] === '-' && size !== 0 ? -size : size };
}

/** One CSV record (RFC 4180): quotes keep commas together and are doubled to stand for themselves. */
function parseCsvRecord(text: string): ParsedValue {
  if (text === '') return { value: [] };
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      let end = text.indexOf('"', at + 1);
      while (end !== -1 && text[end + 1] === '"') {
        field += text.slice(at + 1, end + 1);
        at = end + 1;
        end = text.indexOf('"', at + 1);
      }
      if (end === -1) return csvProblem(text.length + 1, 'extraneous or missing " in quoted-field');
      fields.push(field + text.slice(at + 1, end));
      at = end + 1;
      if (at < text.length && text[at] !== ',')
        return csvProblem(at, 'extraneous or missing " in quoted-field');
    } else {
      const comma = text.indexOf(',', at);
      const end = comma === -1 ? text.length : comma;
      const quote = text.slice(at, end).indexOf('"');
      if (quote !== -1) return csvProblem(at + quote + 1, 'bare " in non-quoted-field');
      fields.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return { value: fields };
    at += 1;
  }
}

function csvProblem(column: number, what: string): ParsedValue {
  return { problem: `parse error on line 1, column ${column}: ${what}` };
}
