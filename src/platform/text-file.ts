import { readFile } from 'node:fs/promises';

/** The text of a file that people write; editors of Windows put a byte order mark in front, which no parser takes. */
export async function readTextFile(path: string): Promise<string> {
  return withoutByteOrderMark(await readFile(path, 'utf8'));
}

export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
