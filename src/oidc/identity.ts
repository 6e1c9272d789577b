import { inspect } from 'node:util';
import type { Delegation } from './delegation.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Who a request comes from (spec 05 §4.8). There are no groups in it: policies read them from the claims. */
export interface Identity {
  /** What vouches for it: nothing but the connection, a token of the identity provider, or a key of `thv token create`. */
  readonly kind: 'local' | 'oidc' | 'key';
  /** The `sub` claim; `token:<name>` for a key. */
  readonly subject: string;
  /** The canonical user id, equal to `subject`; `undefined` for the local user. */
  readonly platformUserId: string | undefined;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly claims: Claims;
  /** The chain of actors (RFC 8693 `act`), to the depth that audit shows unless told otherwise. */
  readonly delegation: Delegation | undefined;
  /** What it was proved with; absent for the local user. */
  readonly token: BearerToken | undefined;
  /** Whom its sessions belong to: the same for all tokens of one user; `undefined` where all callers count as one. */
  readonly owner: string | undefined;
  /** The only tools that it sees and may call, by the names that clients know; `undefined`: no such limit. */
  readonly tools: ReadonlySet<string> | undefined;
}

/** A name for a caller that is short, whatever the provider calls its users, and never that of another provider's user. */
export function ownerOf(kind: Identity['kind'], issuer: string, subject: string): string {
  return new Bun.CryptoHasher('sha256').update(JSON.stringify([kind, issuer, subject])).digest('base64url');
}

/** A token that no log, error or dump shows. */
export class BearerToken {
  readonly type = 'Bearer';
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

const REDACTED = 'REDACTED';
