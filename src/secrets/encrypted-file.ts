import { messageOf, ThvError } from '../errors/index.ts';

/**
 * The bytes of `secrets_encrypted` (spec 09 §5.4), shared with other versions of the program: nonce (12) ‖ AES-256-GCM
 * ciphertext ‖ tag (16) of `{"secrets":{name:value}}`, the key being the SHA-256 of the password. WebCrypto appends the tag itself.
 */

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LARGEST_PLAINTEXT_BYTES = 32 * 1024 * 1024;

/** A map, because names may be `__proto__` and the like. `rest` is what a newer version keeps beside the secrets. */
export interface FileContent {
  readonly secrets: ReadonlyMap<string, string>;
  readonly rest: Readonly<Record<string, unknown>>;
}

export async function deriveKey(password: string): Promise<CryptoKey> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(password));
  return crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Throws `ERR_SECRETS_FILE_INVALID`; `path` is for its text. No bytes mean no secrets. */
export async function openSealed(
  bytes: Uint8Array<ArrayBuffer>,
  key: CryptoKey,
  path: string,
): Promise<FileContent> {
  if (bytes.byteLength === 0) return { secrets: new Map(), rest: {} };
  const unusable = (reason: string, cause?: unknown) =>
    new ThvError('ERR_SECRETS_FILE_INVALID', { path, reason }, { cause });
  if (bytes.byteLength < NONCE_BYTES + TAG_BYTES)
    throw unusable(`unable to decrypt secrets file: malformed ciphertext in ${path}`);
  let plaintext: ArrayBuffer;
  try {
    const iv = bytes.subarray(0, NONCE_BYTES);
    plaintext = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes.subarray(NONCE_BYTES));
  } catch (error) {
    throw unusable(
      `unable to decrypt secrets file: the password is wrong, or ${path} was damaged or changed`,
      error,
    );
  }
  try {
    return parseContent(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext)));
  } catch (error) {
    // What JSON.parse says quotes its input, which is secret.
    const reason = error instanceof TypeError ? messageOf(error) : 'it does not hold JSON';
    throw unusable(`failed to decode secrets file: ${path}: ${reason}`);
  }
}

/** `nonce` is given by tests; one key must never see the same one twice. */
export async function seal(
  { secrets, rest }: FileContent,
  key: CryptoKey,
  nonce: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
): Promise<Uint8Array> {
  const names = [...secrets.keys()].sort();
  const sorted = Object.fromEntries(names.map((name) => [name, secrets.get(name)]));
  const plaintext = new TextEncoder().encode(JSON.stringify({ ...rest, secrets: sorted }));
  if (plaintext.byteLength > LARGEST_PLAINTEXT_BYTES)
    throw new ThvError('ERR_INPUT_INVALID', { reason: 'plaintext is too large, limited to 32MiB' });
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, plaintext));
  const bytes = new Uint8Array(nonce.byteLength + sealed.byteLength);
  bytes.set(nonce);
  bytes.set(sealed, nonce.byteLength);
  return bytes;
}

/** By hand, because a schema library leaves out keys like `constructor`. Throws `TypeError` without quoting values. */
function parseContent(document: unknown): FileContent {
  if (!isRecord(document)) throw new TypeError('it does not hold an object');
  const { secrets = null, ...rest } = document;
  if (secrets === null) return { secrets: new Map(), rest };
  if (!isRecord(secrets)) throw new TypeError('"secrets" is not an object');
  const entries = Object.entries(secrets).map(([name, value]) => {
    if (typeof value !== 'string') throw new TypeError(`the value of ${JSON.stringify(name)} is not a text`);
    return [name, value] as const;
  });
  return { secrets: new Map(entries), rest };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
