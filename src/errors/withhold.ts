/**
 * Keeps secrets out of what is logged and shown of an error. Errors of libraries quote what they were given, so the values are
 * noted where they are read, and taken out where a text leaves the program.
 */
const SHORTEST_SECRET = 4;

const noted = new Set<string>();

/** Notes a value that no text about an error may contain from now on. */
export function keepSecret(value: string): void {
  if (value.length >= SHORTEST_SECRET) noted.add(value);
}

/** The text without noted secrets, logins in URLs, and credentials of `Authorization` headers. */
export function withoutSecrets(text: string): string {
  return conceal(text, [...noted])
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, '$1[secret]@')
    .replaceAll(/\b(Bearer|Basic) +[\w.~+/=-]{16,}/gi, '$1 [secret]');
}

/** The text without the values of secrets, except for those so short that they are part of ordinary words. */
export function conceal(text: string, secrets: readonly string[]): string {
  const patterns = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length)
    .map((secret) => secret.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
  // All at once: a secret that is part of `[secret]` must not be looked for in there.
  return patterns.length === 0 ? text : text.replaceAll(new RegExp(patterns.join('|'), 'g'), '[secret]');
}
