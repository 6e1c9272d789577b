import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors/index.ts';
import { BearerToken, type Identity, ownerOf, rejected } from '../oidc/index.ts';
import { idOf, isTokenOf, parseHash } from './access-token.ts';
import { isExpired, parseTokenFile, type TokenRecord, unreadable } from './record.ts';
import { tokenFilePath } from './store.ts';

/** What stands for the issuer of these tokens in claims. */
const ISSUER = 'toolhive-token';
const AUDIENCE = 'toolhive';
/** Requests that come within this time go by one look at the file; no command that revokes a token ends sooner. */
const LOOK_MS = 1;
/** How long a stream may outlive its token. */
const WATCH_MS = 1000;

/** Access tokens as one workload takes them. */
export interface TokenChecker extends Disposable {
  /**
   * Whose token it is, by what the file says at this moment: a token that was revoked is refused from the next request on. Throws
   * `ERR_TOKEN_REJECTED`, `ERR_ACCESS_TOKENS_UNREADABLE`.
   */
  check(token: string): Identity;
  /** Calls `end` soon after the token was revoked or ended; gives what stops the watch. */
  watch(identity: Identity, end: () => void): () => void;
}

interface CheckerOptions {
  readonly stateFolder: string;
  readonly workload: string;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** A token of the file. */
interface Known {
  readonly record: TokenRecord;
  readonly hash: Uint8Array;
  /** Made when it is first brought. */
  identity: Identity | undefined;
}

export function createTokenChecker({ stateFolder, workload, now = Date.now }: CheckerOptions): TokenChecker {
  const path = tokenFilePath(stateFolder);
  let seen = '';
  let lookedAt = Number.NEGATIVE_INFINITY;
  let known = new Map<string, Known>();
  const watched = new Map<object, { readonly identity: Identity; readonly end: () => void }>();
  let watching: ReturnType<typeof setInterval> | undefined;

  /** The file is replaced as a whole, so its inode and times tell whether it changed. */
  function refresh(): void {
    const moment = performance.now();
    if (seen !== '' && moment - lookedAt < LOOK_MS) return;
    lookedAt = moment;
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    const version = stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    if (version === seen) return;
    const { tokens } = stat === undefined ? { tokens: [] } : parseTokenFile(readFileSync(path, 'utf8'), path);
    known = new Map(
      tokens.map((record) => [record.id, { record, hash: parseHash(record.hash), identity: undefined }]),
    );
    seen = version;
  }

  function check(token: string): Identity {
    try {
      refresh();
    } catch (error) {
      seen = '';
      throw unreadable(path, messageOf(error), error);
    }
    const found = known.get(idOf(token) ?? '');
    if (found === undefined || !isTokenOf(token, found.hash))
      throw rejected('unknown or revoked access token');
    const { record } = found;
    if (isExpired(record, now())) throw rejected('the access token is expired');
    if (!record.workloads.includes(workload)) throw rejected('the access token is not for this workload');
    found.identity ??= identityOf(record, token);
    return found.identity;
  }

  function isGood({ token }: Identity): boolean {
    try {
      return token !== undefined && check(token.reveal()) !== undefined;
    } catch {
      return false; // revoked, ended, or nobody can say
    }
  }

  function look(): void {
    for (const [key, { identity, end }] of [...watched]) {
      if (isGood(identity)) continue;
      forget(key);
      end();
    }
  }

  function forget(key: object): void {
    watched.delete(key);
    if (watched.size > 0) return;
    clearInterval(watching);
    watching = undefined;
  }

  return {
    check,
    watch(identity, end) {
      const key = {};
      watched.set(key, { identity, end });
      watching ??= setInterval(look, WATCH_MS).unref();
      return () => forget(key);
    },
    [Symbol.dispose]() {
      clearInterval(watching);
      watched.clear();
    },
  };
}

/** Its subject cannot be that of a user by accident, and its issuer never is. */
function identityOf(record: TokenRecord, token: string): Identity {
  const { id, name, created_at, expires_at, tools } = record;
  const subject = `token:${name}`;
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  return {
    kind: 'key',
    subject,
    platformUserId: subject,
    name,
    email: undefined,
    claims: {
      sub: subject,
      iss: ISSUER,
      aud: AUDIENCE,
      iat: seconds(created_at),
      ...(expires_at === null ? {} : { exp: seconds(expires_at) }),
      name,
    },
    delegation: undefined,
    token: new BearerToken(token),
    // Of this very token: a later one of the same name does not come into its sessions.
    owner: ownerOf('key', ISSUER, id),
    tools: tools === null ? undefined : new Set(tools),
  };
}
