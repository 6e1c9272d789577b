/**
 * Every place of a chapter and every decision that code, tests, scripts and documents cite exists: `spec 04 §6.2`,
 * `spec 03 §15-B13` (an item of that section), `decision 07`. In its own chapter and behind a
 * citation of the same chapter, `§6.2` alone will do.
 */
import { readdirSync } from 'node:fs';
import { Glob } from 'bun';

export interface Citation {
  /** Two digits. */
  readonly chapter: string;
  /** `6.2`, `15-B13`; `undefined` when the chapter as a whole is cited. */
  readonly place: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** Comment decoration between two words of one sentence. */
const GAP = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*(?:\*|//)?[ \t]*)`;
const PLACE = String.raw`[A-Z]?\d+(?:[.-][A-Z]?\d+)*`;
/** Standards that are cited by section, too. */
const STANDARD = String.raw`(?:RFC[ -]\w+,?|HTML(?: standard)?|OpenID Connect \w+ 1\.0)`;
const CITATION = new RegExp(
  String.raw`(?<standard>\b${STANDARD}${GAP}§${PLACE}(?:,${GAP}§${PLACE})*)|` +
    String.raw`(?<![\w.-])(?<other>\d\d)${GAP}§(?<place>${PLACE})|` +
    String.raw`\b[Ss]pec${GAP}(?<whole>\d\d)\b(?!${GAP}§)|` +
    `§(?<bare>${PLACE})`,
  'g',
);

/**
 * The citations of a source file, in order. A bare `§6.2` belongs to the chapter that was named last, or to `home`; it has
 * the chapter `''` where none was.
 */
export function citationsIn(text: string, home = ''): readonly Citation[] {
  let last = home;
  return [...text.matchAll(CITATION)].flatMap(({ index, groups = {} }) => {
    const { standard, other, place, whole, bare } = groups;
    if (standard !== undefined) return [];
    const named = other ?? whole;
    if (home === '') last = named ?? last;
    const line = text.slice(0, index).split('\n').length;
    return [{ chapter: named ?? last, place: place ?? bare, line }];
  });
}

/** The numbers of decisions that a text cites, with their lines. */
export function decisionsIn(text: string): readonly { readonly number: string; readonly line: number }[] {
  return [...text.matchAll(new RegExp(String.raw`\bdecision${GAP}(\d\d)\b`, 'g'))].map((match) => ({
    number: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}

/** The lines of docstrings that cite and say nothing themselves. */
export function bareDocstringsIn(text: string): readonly number[] {
  return [...text.matchAll(/\/\*\*([\s\S]*?)\*\//g)].flatMap(({ index, 1: docstring = '' }) => {
    if (citationsIn(docstring).length === 0) return [];
    const said = docstring
      .replaceAll(CITATION, '')
      .replace(/\b(?:spec|see|and|of|the|texts?)\b/gi, '')
      .replace(/[^\p{L}\p{N}]/gu, '');
    return said === '' ? [text.slice(0, index).split('\n').length] : [];
  });
}

/** Places of a chapter: its sections, and their items, as `section-item` and `section.item`. */
export function placesOf(chapter: string): ReadonlySet<string> {
  const places = new Set<string>();
  let section = '';
  for (const line of chapter.split('\n')) {
    const heading = /^#{2,4} (\d+(?:\.\d+)*)\.? /.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading;
      places.add(heading);
      continue;
    }
    const paragraph = /^\*\*(\d+\.\d+) /.exec(line)?.[1];
    if (paragraph !== undefined) places.add(paragraph);
    const item = /^(?:(\d+)\. |- \*\*(B\d+)\*\* |\| (\d+) \|)/.exec(line);
    const name = item?.[1] ?? item?.[2] ?? item?.[3];
    if (section === '' || name === undefined) continue;
    places.add(`${section}-${name}`);
    // An item that is numbered like a sub-section would hide that one's absence.
    if (!/^\|/.test(line)) places.add(`${section}.${name}`);
  }
  return places;
}

if (import.meta.main) process.exit(await check());

async function check(): Promise<number> {
  const chapters = new Map<string, ReadonlySet<string>>();
  for (const file of new Glob('[0-9]*.md').scanSync('src/spec'))
    chapters.set(file.slice(0, 2), placesOf(await Bun.file(`src/spec/${file}`).text()));
  const decisions = new Set(readdirSync('src/decisions').map((file) => file.slice(0, 2)));

  let complaints = 0;
  const complain = (file: string, line: number, problem: string) => {
    complaints += 1;
    process.stderr.write(`${file}:${line}: ${problem}\n`);
  };
  for (const file of [
    ...new Glob('{src,tests,scripts,.github}/**/*.{ts,md}').scanSync({ dot: true }),
  ].sort()) {
    if (file.includes('/node_modules/') || /(?:^|\/)citations(?:\.test)?\.ts$/.test(file)) continue;
    const text = await Bun.file(file).text();
    for (const { chapter, place, line } of citationsIn(text, /^src\/spec\/(\d\d)/.exec(file)?.[1])) {
      const places = chapters.get(chapter);
      if (chapter === '') complain(file, line, `§${place}: of which chapter? Write spec NN §${place}`);
      else if (places === undefined) complain(file, line, `spec ${chapter} does not exist`);
      else if (place !== undefined && !places.has(place))
        complain(file, line, `spec ${chapter} has no §${place}`);
    }
    for (const line of bareDocstringsIn(text)) complain(file, line, 'say what it gives, then cite');
    for (const { number, line } of decisionsIn(text))
      if (!decisions.has(number)) complain(file, line, `decision ${number} does not exist`);
    for (const match of text.matchAll(/\bDESIGN\b/g))
      complain(
        file,
        text.slice(0, match.index).split('\n').length,
        'DESIGN: cite a decision of src/decisions/',
      );
  }
  return complaints === 0 ? 0 : 1;
}
