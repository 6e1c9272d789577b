import * as v from 'valibot';
import { messageOf, ThvError, within } from '../errors/index.ts';
import { type TokenExchangeConfig, TokenExchangeSchema } from '../middleware/index.ts';
import { readTextFile } from '../platform/index.ts';

/** A token exchange that is asked for, as documents store it; the client secret may be in a file. */
export interface GivenTokenExchange {
  readonly config: Readonly<Record<string, unknown>>;
  /** '' for none. */
  readonly clientSecretFile: string;
}

/** Its normal form, with the secret. Throws `ERR_INPUT_INVALID`, `ERR_FILE_UNREADABLE`. */
export async function resolveTokenExchange({
  config,
  clientSecretFile: path,
}: GivenTokenExchange): Promise<TokenExchangeConfig> {
  return await within('invalid token exchange configuration', async () => {
    const secret = path === '' ? {} : { client_secret: await readSecretFile(path) };
    return checkTokenExchange({ ...config, ...secret });
  });
}

/** Throws `ERR_INPUT_INVALID` naming everything that is wrong. */
export function checkTokenExchange(config: unknown): TokenExchangeConfig {
  const parsed = v.safeParse(TokenExchangeSchema, config);
  if (parsed.success) return parsed.output;
  throw new ThvError('ERR_INPUT_INVALID', { reason: parsed.issues.map(({ message }) => message).join('; ') });
}

async function readSecretFile(path: string): Promise<string> {
  const fault = (reason: string, cause?: unknown) =>
    new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause });
  let text: string;
  try {
    text = (await readTextFile(path)).trim();
  } catch (error) {
    throw fault(`failed to read secret file ${path}: ${messageOf(error)}`, error);
  }
  if (text === '') throw fault(`secret file ${path} is empty`);
  return text;
}
