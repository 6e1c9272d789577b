import { describe, expect, test } from 'bun:test';
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { deriveKey, openSealed, seal } from './encrypted-file.ts';

const PASSWORD = 'correct horse';
const NONCE = new Uint8Array(Buffer.from('000102030405060708090a0b', 'hex'));
/** The test vector of spec 09 §5.4. */
const VECTOR =
  '000102030405060708090a0b74e58f05683606559ad639c95d0763d8bc52a4a06ad00be45d382209c0c3bcc2de77ad332bd9c117e3e985d18760827b';

/** The format as the chapter describes it, by other means than the program's. */
function sealIndependently(plaintext: string, password = PASSWORD): Uint8Array<ArrayBuffer> {
  const key = createHash('sha256').update(password).digest();
  const cipher = createCipheriv('aes-256-gcm', key, NONCE);
  const sealed = [cipher.update(plaintext, 'utf8'), cipher.final()];
  return new Uint8Array(Buffer.concat([NONCE, ...sealed, cipher.getAuthTag()]));
}

function openIndependently(bytes: Uint8Array, password = PASSWORD): string {
  const key = createHash('sha256').update(password).digest();
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
}

async function open(bytes: Uint8Array<ArrayBuffer>, password = PASSWORD) {
  return openSealed(bytes, await deriveKey(password), '/secrets_encrypted');
}

/** The whole text of what opening throws. */
async function refusal(bytes: Uint8Array<ArrayBuffer>, password?: string): Promise<string> {
  return open(bytes, password).then(
    () => 'opened',
    (error: Error) => error.message,
  );
}

describe('the encrypted file', () => {
  test("the chapter's vector is read, and written to the byte", async () => {
    expect(Buffer.from(sealIndependently('{"secrets":{"api-key":"s3cr3t"}}')).toString('hex')).toBe(VECTOR);
    const content = await open(new Uint8Array(Buffer.from(VECTOR, 'hex')));
    expect([...content.secrets]).toEqual([['api-key', 's3cr3t']]);
    const written = await seal(content, await deriveKey(PASSWORD), NONCE);
    expect(Buffer.from(written).toString('hex')).toBe(VECTOR);
  });

  test('any names and values: what we write, the independent code reads, and the other way round', async () => {
    const key = await deriveKey(PASSWORD);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string())), async (entries) => {
        const secrets = new Map(entries);
        const written = await seal({ secrets, rest: {} }, key);
        expect(new Map(Object.entries(JSON.parse(openIndependently(written)).secrets))).toEqual(secrets);
        const theirs = sealIndependently(JSON.stringify({ secrets: Object.fromEntries(secrets) }));
        expect((await open(theirs)).secrets).toEqual(secrets);
      }),
      { numRuns: 50 },
    );
  });

  test('names that objects have of their own are names like others', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'secrets', ''];
    const secrets = new Map(names.map((name) => [name, `value of ${name}`]));
    const written = new Uint8Array(await seal({ secrets, rest: {} }, await deriveKey(PASSWORD)));
    expect((await open(written)).secrets).toEqual(secrets);
  });

  test('what a newer version keeps beside the secrets stays', async () => {
    const content = await open(sealIndependently('{"version":2,"secrets":{"a":"1"}}'));
    const written = await seal(content, await deriveKey(PASSWORD));
    expect(JSON.parse(openIndependently(written))).toEqual({ version: 2, secrets: { a: '1' } });
  });

  test('no nonce is used twice', async () => {
    const key = await deriveKey(PASSWORD);
    const written = await Promise.all(
      Array.from({ length: 100 }, () => seal({ secrets: new Map(), rest: {} }, key)),
    );
    expect(new Set(written.map((bytes) => Buffer.from(bytes.subarray(0, 12)).toString('hex'))).size).toBe(
      100,
    );
  });

  test.each([
    ['an empty file', new Uint8Array()],
    ['null in place of the secrets', sealIndependently('{"secrets":null}')],
    ['an object without them', sealIndependently('{}')],
  ])('%s holds no secrets', async (_, bytes) => {
    expect((await open(bytes)).secrets.size).toBe(0);
  });

  test('cut short anywhere, it is refused', async () => {
    const whole = new Uint8Array(Buffer.from(VECTOR, 'hex'));
    for (let length = 1; length < whole.byteLength; length++) {
      expect(await refusal(whole.slice(0, length))).toBe(
        length < 28
          ? 'unable to decrypt secrets file: malformed ciphertext in /secrets_encrypted'
          : 'unable to decrypt secrets file: the password is wrong, or /secrets_encrypted was damaged or changed',
      );
    }
  });

  test('with another password, or one bit changed anywhere, it is refused', async () => {
    const damaged =
      'unable to decrypt secrets file: the password is wrong, or /secrets_encrypted was damaged or changed';
    const whole = new Uint8Array(Buffer.from(VECTOR, 'hex'));
    expect(await refusal(whole, 'correct horse ')).toBe(damaged);
    for (let at = 0; at < whole.byteLength; at++) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await refusal(changed)).toBe(damaged);
    }
  });

  test.each([
    ['not JSON', 's3cr3t', 'it does not hold JSON'],
    ['JSON that is cut', '{"secrets":{"a":"s3cr3t', 'it does not hold JSON'],
    ['a list', '["s3cr3t"]', 'it does not hold an object'],
    ['a text for the secrets', '{"secrets":"s3cr3t"}', '"secrets" is not an object'],
    ['a list for a value', '{"secrets":{"a":["s3cr3t"]}}', 'the value of "a" is not a text'],
  ])('%s is refused without a word of what it holds', async (_, plaintext, reason) => {
    expect(await refusal(sealIndependently(plaintext))).toBe(
      `failed to decode secrets file: /secrets_encrypted: ${reason}`,
    );
  });

  test('more than 32 MiB is refused', async () => {
    const secrets = new Map([['a', 'x'.repeat(32 * 1024 * 1024)]]);
    await expect(seal({ secrets, rest: {} }, await deriveKey(PASSWORD))).rejects.toThrow(
      'plaintext is too large, limited to 32MiB',
    );
  });
});
