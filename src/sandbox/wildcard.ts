/**
 * Whether `name`, one part of a path, is what the shell pattern says: `*`, `?`, `[a-z]`, `[^a-z]`, and a backslash before what is
 * meant as it stands; leading dots are nothing special (spec 03 §6.2). `undefined` for a pattern that is malformed. Own code,
 * because the libraries for this speak of braces, exclamation marks and `**` too, which have no meaning here, and go by way of
 * regular expressions, which a pattern of many stars keeps busy for minutes; the file may come with the folder that is mounted.
 */
export function createWildcard(pattern: string): ((name: string) => boolean) | undefined {
  const steps = parse([...pattern]);
  return steps === undefined ? undefined : (name) => matches(steps, [...name]);
}

export function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

/** What one character has to be, or `star` for any number of any. */
type Step = 'star' | ((character: string) => boolean);

function parse(pattern: readonly string[]): readonly Step[] | undefined {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '*') {
      if (steps.at(-1) !== 'star') steps.push('star');
    } else if (character === '?') {
      steps.push(() => true);
    } else if (character === '[') {
      const set = parseSet(pattern, at + 1);
      if (set === undefined) return undefined;
      steps.push(set.test);
      at = set.end;
    } else {
      const literal = character === '\\' ? pattern[++at] : character;
      if (literal === undefined) return undefined;
      steps.push((other) => other === literal);
    }
  }
  return steps;
}

/** `[…]` from behind its bracket; `end` is where it closes. */
function parseSet(pattern: readonly string[], start: number) {
  let at = start;
  const isNegated = pattern[at] === '^';
  if (isNegated) at++;
  const ranges: (readonly [low: string, high: string])[] = [];
  const take = () => {
    if (pattern[at] === '\\') at++;
    return pattern[at++];
  };
  while (pattern[at] !== ']' || ranges.length === 0) {
    const low = pattern[at] === ']' || pattern[at] === '-' ? undefined : take();
    if (low === undefined) return undefined;
    if (pattern[at] !== '-') {
      ranges.push([low, low]);
      continue;
    }
    at++;
    const high = pattern[at] === ']' ? undefined : take();
    if (high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const code = (character: string) => character.codePointAt(0) ?? 0;
  const isInside = (character: string) =>
    ranges.some(([low, high]) => code(low) <= code(character) && code(character) <= code(high));
  return { end: at, test: (character: string) => isInside(character) !== isNegated };
}

/** Goes back to the last star only, which is enough: an earlier one could not match more than it could. */
function matches(steps: readonly Step[], name: readonly string[]): boolean {
  let step = 0;
  let at = 0;
  let star = -1;
  let afterStar = 0;
  while (at < name.length) {
    const wanted = steps[step];
    if (wanted === 'star') {
      star = step++;
      afterStar = at;
    } else if (wanted?.(name[at] ?? '')) {
      step++;
      at++;
    } else if (star >= 0) {
      step = star + 1;
      at = ++afterStar;
    } else {
      return false;
    }
  }
  return steps.slice(step).every((rest) => rest === 'star');
}
