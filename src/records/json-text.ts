/**
 * JSON as the reference's files spell it (spec 02 §1): two-space indent, final newline, and the characters that Go's
 * encoder escapes. Several program versions share these files, so the bytes are kept alike.
 */

const ESCAPED: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

export function toJsonText(value: unknown): string {
  // These characters occur in JSON only inside strings, so replacing them in the finished text is safe.
  return `${JSON.stringify(value, undefined, 2).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPED[char] ?? char)}\n`;
}

/** The first JSON value of a text; what follows it is ignored, as the reference's decoder does. Throws `SyntaxError`. */
export function parseFirstJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const end = endOfFirstObject(text);
    if (end === undefined) throw error;
    return JSON.parse(text.slice(0, end));
  }
}

function endOfFirstObject(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}

/** An object with its keys in ascending order, as Go writes maps. */
export function sortedKeys<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
