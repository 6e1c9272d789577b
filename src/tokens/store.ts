import { join } from 'node:path';
import { ThvError } from '../errors/index.ts';
import { acquireLock, writeFileAtomic } from '../platform/index.ts';
import { readIfPresent } from '../records/index.ts';
import { makeAccessToken } from './access-token.ts';
import { parseTokenFile, type TokenFile, type TokenRecord } from './record.ts';

const LOCK_TIMEOUT_MS = 5000;
const MAX_NAME = 64;

interface NewToken {
  readonly name: string;
  readonly workloads: readonly string[];
  /** By the names that clients know; `undefined` for all. */
  readonly tools: readonly string[] | undefined;
  /** `undefined`: never. */
  readonly expiresAt: Date | undefined;
}

/** The file of access tokens, which holds their hashes: `<state>/toolhive/tokens.json`. */
export interface TokenStore {
  /** In the order in which they were made. Throws `ERR_ACCESS_TOKENS_UNREADABLE`. */
  list(): Promise<readonly TokenRecord[]>;
  /** Gives the token this once. Throws `ERR_INPUT_INVALID`, `ERR_ACCESS_TOKEN_EXISTS`, `ERR_LOCK_TIMEOUT`. */
  create(wanted: NewToken): Promise<{ readonly token: string; readonly record: TokenRecord }>;
  /** Throws `ERR_ACCESS_TOKEN_NOT_FOUND`, `ERR_LOCK_TIMEOUT`. */
  revoke(name: string): Promise<void>;
}

export function tokenFilePath(stateFolder: string): string {
  return join(stateFolder, 'tokens.json');
}

/** `stateFolder` is `<state>/toolhive`. */
export function createTokenStore(stateFolder: string): TokenStore {
  const path = tokenFilePath(stateFolder);

  async function read(): Promise<TokenFile> {
    const text = await readIfPresent(path);
    return text === undefined ? { tokens: [] } : parseTokenFile(text, path);
  }

  async function change(edit: (tokens: readonly TokenRecord[]) => readonly TokenRecord[]): Promise<void> {
    using _ = await acquireLock(`${path}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
    const file = await read();
    const changed = { ...file, tokens: edit(file.tokens) };
    await writeFileAtomic(path, `${JSON.stringify(changed, undefined, 2)}\n`);
  }

  return {
    list: async () => (await read()).tokens,
    async create({ name, workloads, tools, expiresAt }) {
      requireName(name);
      const { id, token, hash } = makeAccessToken();
      const record: TokenRecord = {
        id,
        name,
        hash,
        workloads: [...new Set(workloads)],
        tools: tools === undefined ? null : [...new Set(tools)],
        created_at: new Date().toISOString(),
        expires_at: expiresAt?.toISOString() ?? null,
      };
      await change((tokens) => {
        if (tokens.some((known) => known.name === name))
          throw new ThvError(
            'ERR_ACCESS_TOKEN_EXISTS',
            { token: name },
            { hint: `'thv token revoke ${name}' takes that one back` },
          );
        return [...tokens, record];
      });
      return { token, record };
    },
    async revoke(name) {
      await change((tokens) => {
        const left = tokens.filter((known) => known.name !== name);
        if (left.length === tokens.length) throw new ThvError('ERR_ACCESS_TOKEN_NOT_FOUND', { token: name });
        return left;
      });
    },
  };
}

/** It becomes the name of a principal, and stands in URLs of the API. */
function requireName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name.length <= MAX_NAME) return;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `invalid token name ${JSON.stringify(name)}: letters, digits, dots, dashes and underscores, at most ${MAX_NAME}, a letter or digit first`,
  });
}
