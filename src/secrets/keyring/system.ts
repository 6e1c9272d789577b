import { answerInTime } from '../answer-in-time.ts';
import { createReferenceEntry } from './reference-entry.ts';
import { ADDRESS, type Keyring, PROBE_SERVICE } from './types.ts';

/** A locked store may ask the person to unlock it. */
const TIMEOUT_MS = 60_000;

/**
 * Keychain, Credential Manager or Secret Service through `Bun.secrets`. On macOS this is the very entry that the reference
 * uses, in its spelling; elsewhere the reference's entry is read when there is none of ours, and deleted with it.
 */
export function createSystemKeyring(platform: NodeJS.Platform): Keyring {
  const encode = platform === 'darwin' ? encodeForMac : (password: string) => password;
  const decode = platform === 'darwin' ? decodeFromMac : (value: string) => value;
  const reference = createReferenceEntry(platform);
  return {
    kind: 'system keyring',
    async probe() {
      const name = crypto.randomUUID();
      await inTime(Bun.secrets.set({ service: PROBE_SERVICE, name, value: 'probe' }));
      await inTime(Bun.secrets.delete({ service: PROBE_SERVICE, name }));
    },
    async find() {
      const value = await inTime(Bun.secrets.get(ADDRESS));
      return value === null ? reference.find() : decode(value);
    },
    save: (password) => inTime(Bun.secrets.set({ ...ADDRESS, value: encode(password) })),
    async delete() {
      await inTime(Bun.secrets.delete(ADDRESS));
      reference.delete();
    },
  };
}

const MAC_BASE64 = 'go-keyring-base64:';
const MAC_HEX = 'go-keyring-encoded:';

export function encodeForMac(password: string): string {
  return MAC_BASE64 + Buffer.from(password).toString('base64');
}

/** Anything without a mark is the password itself. */
export function decodeFromMac(value: string): string {
  if (value.startsWith(MAC_BASE64)) return Buffer.from(value.slice(MAC_BASE64.length), 'base64').toString();
  if (value.startsWith(MAC_HEX)) return Buffer.from(value.slice(MAC_HEX.length), 'hex').toString();
  return value;
}

function inTime<T>(pending: Promise<T>): Promise<T> {
  return answerInTime(pending, { timeoutMs: TIMEOUT_MS });
}
