/**
 * Comments name their subject: no docstring begins with a fragment such as "Of the run." or "Told to clients.", and no comment says
 * "whoever" where it can name who that is.
 */
import { Glob } from 'bun';

/** Words that a docstring begins with when its subject is left out. */
const FRAGMENT = /^(?:Of|Said|Told|For|It (?:is|was)\b[^.]*\bthat)\b/;
const COMMENT = /\/\*\*?([\s\S]*?)\*\/|(?<![:'"`\w])\/\/(.*)/g;
/** This file and its test contain the fragments as examples. */
const OWN = /\/wording(?:\.test)?\.ts$/;

export interface Fault {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** What is wrong with the comments of a source file, in order. */
export function wordingFaultsIn(text: string): readonly Fault[] {
  return [...text.matchAll(COMMENT)].flatMap(({ index, 0: comment, 1: block, 2: rest = '' }) => {
    const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
    const words = block === undefined ? rest : block.replace(/^[ \t]*\*?/gm, '').trim();
    const beginning = comment.startsWith('/**') ? FRAGMENT.exec(words)?.[0].split(' ')[0] : undefined;
    const whoever = /\bwhoever\b/i.exec(comment);
    return [
      ...(beginning === undefined
        ? []
        : [{ line: lineOf(index), problem: `begin with what it is or does, not with "${beginning}"` }]),
      ...(whoever === null
        ? []
        : [{ line: lineOf(index + whoever.index), problem: 'name who it is instead of "whoever"' }]),
    ];
  });
}

if (import.meta.main) process.exit(await check());

async function check(): Promise<number> {
  let count = 0;
  for (const file of [...new Glob('{src,scripts,tests}/**/*.ts').scanSync()].sort()) {
    if (file.includes('/node_modules/') || OWN.test(file)) continue;
    for (const { line, problem } of wordingFaultsIn(await Bun.file(file).text())) {
      count += 1;
      process.stderr.write(`${file}:${line}: ${problem}\n`);
    }
  }
  return count === 0 ? 0 : 1;
}
