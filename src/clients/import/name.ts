import { nameFromImage, sanitizeWorkloadName } from '../../records/index.ts';

/** A workload's name for an entry: its own where enough of it can stand in one, else that of what is run. */
export function proposeName(entry: string, source: string): string {
  return usable(entry) ?? usable(nameOfSource(source)) ?? 'workload';
}

/** Gives each name once: those that are taken get a number. */
export function distinct(name: string, taken: Set<string>): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
}

/** Engines want a letter or digit first; a name of nothing but dashes tells nobody anything. */
function usable(text: string): string | undefined {
  const letters = text.match(/[\p{L}\p{N}]/gu) ?? [];
  const kept = letters.filter((letter) => /[A-Za-z0-9]/.test(letter));
  if (kept.length === 0 || kept.length * 2 < letters.length) return undefined;
  const name = sanitizeWorkloadName(text.normalize('NFKD').replace(/\p{M}/gu, '')).replace(
    /^[^A-Za-z0-9]+/,
    '',
  );
  return name.length > 1 ? name : undefined;
}

function nameOfSource(source: string): string {
  if (/^https?:\/\//.test(source)) return new URL(source).hostname;
  const [, name] = /^\w+:\/\/(?:.*\/)?([^/@]+)(?:@.*)?$/.exec(source) ?? [];
  return name ?? nameFromImage(source);
}
