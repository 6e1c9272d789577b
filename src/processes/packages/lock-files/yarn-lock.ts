import type { Source } from './refuse.ts';

/**
 * Where a `yarn.lock` takes packages from, in the format of version 1 and of later ones: each entry begins with what was asked
 * for, `name@range, name@range:`, and says what that was resolved to.
 */
export function* yarnLockSources(text: string): Generator<Source> {
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const header = /^(\S.*):\s*$/.exec(line)?.[1];
    if (header !== undefined) {
      if (header === '__metadata') continue;
      for (const descriptor of header.split(/,\s*/).map(unquoted)) yield* sourceOf(descriptor);
      continue;
    }
    const [, key, value] = /^ {2}(resolved|resolution):?\s+(.*?)\s*$/.exec(line) ?? [];
    if (value === undefined) continue;
    if (key === 'resolution') yield* sourceOf(unquoted(value));
    // The digest stands behind a hash.
    else yield { name: 'a package', location: unquoted(value).replace(/#[0-9a-f]*$/, ''), base: '' };
  }
}

function* sourceOf(descriptor: string): Generator<Source> {
  const at = descriptor.indexOf('@', 1);
  if (at < 0) return;
  // What belongs to it by yarn's own account stands behind two colons.
  const location = descriptor
    .slice(at + 1)
    .replace(/^virtual:[0-9a-f]+#/, '')
    .replace(/::.*$/, '');
  yield { name: descriptor.slice(0, at), location, base: '' };
}

/** Removes quotes. In a list that is quoted as a whole, the first and the last part have one quote each. */
function unquoted(text: string): string {
  return text.trim().replace(/^"|"$/g, '');
}
