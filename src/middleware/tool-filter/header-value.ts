/** Value of a header of MCP 2026-07-28 (spec 04 §18.1): what a header cannot carry is `=?base64?…?=`. */
export function encodeHeaderValue(value: string): string {
  const isSafe = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?base64?');
  return isSafe ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}
