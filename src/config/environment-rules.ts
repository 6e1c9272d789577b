/** Names and values of environment variables of builds (spec 03 §13.5, spec 09 §3.1): they become `ENV` instructions. */

const NAME = '^[A-Z][A-Z0-9_]*$';
const RESERVED: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'SHELL',
  'PWD',
  'HOSTNAME',
  'TERM',
  'LANG',
  'LC_ALL',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
]);
/** In this order, which decides what is named in the complaint. */
const DANGEROUS = ['`', '$(', '${', '\\', '\n', '\r', '"', ';', '&&', '||', '|', '>', '<'];

export function environmentNameProblem(
  name: string,
): { readonly kind: 'pattern'; readonly pattern: string } | { readonly kind: 'reserved' } | undefined {
  if (!new RegExp(NAME).test(name)) return { kind: 'pattern', pattern: NAME };
  return RESERVED.has(name) ? { kind: 'reserved' } : undefined;
}

/** The first part of `value` that must not be there. */
export function environmentValueProblem(value: string): string | undefined {
  return DANGEROUS.find((part) => value.includes(part));
}
