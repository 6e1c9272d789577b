/**
 * What may be in a workload's environment. Engines and the kernel take a list of `NAME=VALUE` texts that end at a NUL: a name
 * with `=` would be another name, one with a line break looks like two variables when the list is printed, and
 * invisible characters mislead. Values may be anything else, key files with line breaks among them.
 */

/** What is wrong with the name of an environment variable; `undefined` for a sound one. */
export function variableNameProblem(name: string): string | undefined {
  if (name === '') return 'empty environment variable key';
  const foreign = /[\s=\p{Cc}\p{Cf}\p{Cs}]/u.exec(name)?.[0];
  return foreign === undefined
    ? undefined
    : `invalid environment variable name ${shownName(name)}: ${nameOf(foreign)} cannot stand in a name`;
}

/** What is wrong with the value of a variable, without the value. */
export function variableValueProblem(name: string, value: string): string | undefined {
  return value.includes('\0')
    ? `invalid value of environment variable ${shownName(name)}: a NUL cannot stand in a value`
    : undefined;
}

function nameOf(character: string): string {
  if (character === '=') return '"="';
  if (character === ' ') return 'a space';
  if (character === '\n' || character === '\r') return 'a line break';
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** As it can be shown in a message: invisible characters written out. */
export function shownName(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
