import { stripVTControlCharacters } from 'node:util';

const SAID_LINES = 10;
const SAID_CHARACTERS = 1000;

/** The end of what a server printed, as the end of a sentence: `: <lines>`; '' for a server that printed nothing. */
export function sayLastWords(printed: string): string {
  const lines = stripVTControlCharacters(printed)
    .split(/\r?\n|\r/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  const end = lines.slice(-SAID_LINES).join('\n').slice(-SAID_CHARACTERS);
  return end === '' ? '' : `: ${end}`;
}
