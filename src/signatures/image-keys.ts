import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type ImageReference, imageName, parseImageReference } from '../engine/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';

/** Keys of the user's own, as `config.yaml` has them: PEM texts by the images that they sign. */
export type ImageKeys = Readonly<Record<string, readonly string[]>>;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;
const KEY_TYPES: ReadonlySet<string> = new Set(['ec', 'rsa', 'ed25519']);

/**
 * The images that keys are for, in the form that is stored: a registry or a folder of one with a slash at its end, or one repository.
 * Throws `ERR_INPUT_INVALID`.
 */
export function parseImageScope(text: string): string {
  const refuse = (reason: string) =>
    new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `invalid images "${text}": ${reason}` },
      {
        hint: 'give a registry (registry.example.com), a folder with a slash at its end (registry.example.com/team/), or one repository (registry.example.com/team/server)',
      },
    );
  const isFolder = text.endsWith('/');
  const name = isFolder ? text.slice(0, -1) : text;
  if (name === '') throw refuse('it is empty');
  const isHost = !name.includes('/') && (/[.:]/.test(name) || name === 'localhost');
  try {
    // What a registry needs behind it to be a reference, and Docker Hub's own folder needs to stay what it is.
    const filled = isHost ? `${name}/any` : isFolder ? `${name}/any` : name;
    const reference = parseImageReference(filled);
    if (reference.tag !== undefined || reference.digest !== undefined)
      throw refuse('it has a tag or a digest, and keys are for repositories');
    if (!isHost && !isFolder) return imageName(reference);
    return isHost ? `${reference.registry}/` : imageName(reference).slice(0, -'any'.length);
  } catch (error) {
    throw error instanceof ThvError && error.code === 'ERR_INPUT_INVALID' ? error : refuse(messageOf(error));
  }
}

/** The public keys of a file, each in PEM as it is stored. Throws `ERR_INPUT_INVALID`. */
export function parsePublicKeys(text: string, path: string): readonly string[] {
  const invalid = (reason: string, hint?: string) =>
    new ThvError('ERR_INPUT_INVALID', { reason: `invalid public key ${path}: ${reason}` }, { hint });
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) throw invalid('no PEM data found', 'give the file cosign.pub that cosign made');
  return blocks.map(([block, type = '']) => {
    if (type.endsWith('PRIVATE KEY'))
      throw invalid('it is a private key, which belongs to whoever signs', 'give the public key: cosign.pub');
    if (type === 'CERTIFICATE') throw invalid('it is a certificate, not a public key');
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (error) {
      throw invalid(messageOf(error));
    }
    if (!KEY_TYPES.has(key.asymmetricKeyType ?? ''))
      throw invalid(`keys of type ${key.asymmetricKeyType} cannot be used: ECDSA, RSA and Ed25519 can`);
    return key.export({ type: 'spki', format: 'pem' }).toString();
  });
}

/** The keys for an image: those of the most exact name that it falls under; `undefined` when there are none for it.
 * Throws `ERR_INPUT_INVALID` where the configuration was broken by hand. */
export function keysFor(reference: ImageReference, keys: ImageKeys): readonly string[] | undefined {
  const name = imageName(reference);
  const [closest] = Object.entries(keys)
    .map(([images, texts]) => ({ scope: parseImageScope(images), texts }))
    .filter(({ scope }) => name === scope || (scope.endsWith('/') && name.startsWith(scope)))
    .sort((a, b) => b.scope.length - a.scope.length);
  return closest?.texts;
}

/** Kind and SHA-256 of a key, to tell keys apart. Throws for a text that is no key. */
export function keyFingerprint(pem: string): string {
  const key = createPublicKey(pem);
  const digest = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return `${key.asymmetricKeyType} SHA256:${digest}`;
}
