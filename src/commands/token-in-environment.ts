import { ThvError } from '../errors/index.ts';

/** `Authorization` for workloads that ask for tokens, from `TOOLHIVE_TOKEN`; `undefined` for none. Throws `ERR_INPUT_INVALID`. */
export function authorizationIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const token = env['TOOLHIVE_TOKEN']?.trim() ?? '';
  if (token === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: 'TOOLHIVE_TOKEN does not hold a token: blanks or other characters stand in it',
  });
}
