/** Ids as they stand in the text (`7`, `"7"`, `9007199254740993`). */

/**
 * One spelling for equal ids: `"a"` and `"\u0061"` are the same, `"1"` and `1` are not, integers keep every digit
 * (spec 04 §6.3, §19.6).
 */
export function idKey(id: string): string {
  if (id.startsWith('"')) return id.includes('\\') ? JSON.stringify(JSON.parse(id)) : id;
  if (/^-?\d+$/.test(id)) return id === '-0' ? '0' : id;
  return String(Number(id));
}
