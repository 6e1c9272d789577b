import { ThvError } from '../errors/index.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from '../middleware/index.ts';

/** Headers by name. Throws `ERR_INPUT_INVALID` with the texts of spec 06 §14; what stands for a value is not told. */
export function parseForwardHeaders(texts: readonly string[]): Readonly<Record<string, string>> {
  return byName(texts, (value, shown) => {
    const problem = headerValueProblem(value);
    if (problem !== undefined) throw invalid(`invalid header value in "${shown}": ${problem}`);
    return value;
  });
}

/** Names of secrets by header. Throws `ERR_INPUT_INVALID`. */
export function parseForwardHeaderSecrets(texts: readonly string[]): Readonly<Record<string, string>> {
  return byName(texts, (value, shown, text) => {
    const secret = value.trim();
    if (secret === '') throw invalid(`invalid secret header "${text}": secret name cannot be empty`);
    if (secret.includes(','))
      throw invalid(`invalid secret header "${shown}": a secret's name has no commas`);
    return secret;
  });
}

/** A header that is given twice, in whatever spelling, gets what was said last. */
function byName(
  texts: readonly string[],
  parseValue: (value: string, shown: string, text: string) => string,
): Readonly<Record<string, string>> {
  const headers = new Map<string, readonly [string, string]>();
  for (const text of texts) {
    const mark = text.indexOf('=');
    if (mark === -1) throw invalid(`invalid header format "${text}": expected Name=Value`);
    const name = text.slice(0, mark).trim();
    const shown = `${text.slice(0, mark)}=…`;
    const problem = headerNameProblem(name);
    if (problem !== undefined) throw invalid(`invalid header name in "${shown}": ${problem}`);
    const restriction = headerRestriction(name);
    if (restriction !== undefined) throw invalid(restriction);
    headers.set(name.toLowerCase(), [name, parseValue(text.slice(mark + 1), shown, text)]);
  }
  return Object.fromEntries(headers.values());
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason });
}
