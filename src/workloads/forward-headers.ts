import { ThvError } from '../errors/index.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from '../middleware/index.ts';
import { findAssignment } from '../records/index.ts';

/** A header, with its value or with the name of the secret that it is. */
export type ForwardHeader = readonly [name: string, value: string];

/** `Name=Value`. Throws `ERR_INPUT_INVALID` with the texts of spec 06 §14; what stands for a value is not told. */
export function parseForwardHeader(text: string): ForwardHeader {
  const { name, value, shown } = parse(text);
  const problem = headerValueProblem(value);
  if (problem !== undefined) throw invalid(`invalid header value in "${shown}": ${problem}`);
  return [name, value];
}

/** `Name=SECRET`. Throws `ERR_INPUT_INVALID`. */
export function parseForwardHeaderSecret(text: string): ForwardHeader {
  const { name, value, shown } = parse(text);
  const secret = value.trim();
  const problem = headerSecretProblem(secret);
  if (problem !== undefined)
    throw invalid(`invalid secret header "${secret === '' ? text : shown}": ${problem}`);
  return [name, secret];
}

/** Why a secret of this name cannot be a header's value. */
export function headerSecretProblem(secret: string): string | undefined {
  if (secret === '') return 'secret name cannot be empty';
  return secret.includes(',') ? "a secret's name has no commas" : undefined;
}

/** A header that is given twice, in whatever spelling, gets what was said last. */
export function headersByName(headers: readonly ForwardHeader[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    new Map(headers.map((header) => [header[0].toLowerCase(), header] as const)).values(),
  );
}

function parse(text: string) {
  const sides = findAssignment(text);
  if (sides === undefined) throw invalid(`invalid header format "${text}": expected Name=Value`);
  const [written, value] = sides;
  const name = written.trim();
  const shown = `${written}=…`;
  const problem = headerNameProblem(name);
  if (problem !== undefined) throw invalid(`invalid header name in "${shown}": ${problem}`);
  const restriction = headerRestriction(name);
  if (restriction !== undefined) throw invalid(restriction);
  return { name, value, shown };
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason });
}
