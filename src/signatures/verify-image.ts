import type { ImageReference, RegistryAccess } from '../engine/index.ts';
import { hasCode, messageOf, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { VerificationMode } from '../records/index.ts';
import { findSignatures } from './find-signatures.ts';
import { type ImageKeys, keysFor, parsePublicKeys } from './image-keys.ts';
import { matchesProvenance } from './match-identity.ts';
import { openRepository, type RepositoryClient } from './registry-client.ts';
import { type Trust, trustFor } from './trust-root.ts';
import type { FoundSignature, Provenance, Signer } from './types.ts';
import { verifyByCertificate, verifyByKey } from './verify-bundle.ts';

/** What is asked of an image before it runs. */
export interface Verification {
  readonly mode: VerificationMode;
  /** What the registry says of who signed it. */
  readonly provenance?: Provenance | undefined;
  readonly keys: ImageKeys;
}

export interface VerifyOptions {
  /** As it was written, for messages. */
  readonly image: string;
  readonly reference: ImageReference;
  /** The manifest of the image that would run; `undefined` for what the registry has under the name. */
  readonly manifest: string | undefined;
  readonly access: () => Promise<RegistryAccess>;
  /** Where trust roots are kept. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** What was verified is the manifest, so that is what has to run (spec 03 §15-B19). */
export interface Verified {
  readonly manifest: string;
  /** What it was verified by. */
  readonly by: 'key' | 'provenance';
  /** Who signed: the subject of the certificate; '' for a key. */
  readonly signer: string;
}

const NOT_SIGNED = 'image verification failed: image is not signed';
const NO_MATCH = 'image verification failed: image provenance does not match';
const NO_PROVENANCE = 'MCP server has no provenance information set, skipping image verification';

/**
 * Verifies an image as `--image-verification` wants it (spec 03 §12.4): with keys of the user's own where there are some for it, else by what
 * the registry says of it. `undefined` where it was not verified and may run all the same, which was logged. Throws
 * `ERR_IMAGE_UNVERIFIED`.
 */
export async function verifyImage(
  { mode, provenance, keys }: Verification,
  options: VerifyOptions,
): Promise<Verified | undefined> {
  const { image, reference, logger, signal } = options;
  if (mode === 'disabled') {
    logger.warn('Image verification is disabled', { image });
    return undefined;
  }
  const own = keysFor(reference, keys);
  const expected = provenance !== undefined && saysSigner(provenance) ? provenance : undefined;
  if (own === undefined && expected === undefined) {
    if (mode === 'enabled') {
      throw new ThvError(
        'ERR_IMAGE_UNVERIFIED',
        { image, reason: 'provenance server information not set' },
        {
          hint: `the registry does not say who signed ${image}; 'thv config set-image-key' sets a key for images of your own`,
        },
      );
    }
    logger.warn(NO_PROVENANCE, { image });
    return undefined;
  }
  try {
    const check =
      own !== undefined
        ? ownKeys(own)
        : await identity(
            await trustFor(expected?.sigstore_url ?? '', image, options),
            expected as Provenance,
          );
    return await verifyWith(check, options);
  } catch (error) {
    signal?.throwIfAborted();
    const failure = asFailure(image, error);
    if (mode === 'enabled') throw failure;
    logger.warn(failure.message, { image });
    return undefined;
  }
}

/** How one signature is judged: who made it, and whether that is who was expected. */
interface Check {
  readonly by: Verified['by'];
  verify(found: FoundSignature, imageDigest: string): Promise<Signer | undefined>;
  matches(signer: Signer | undefined): boolean;
}

function ownKeys(texts: readonly string[]): Check {
  const keys = texts.flatMap((text) => parsePublicKeys(text, 'image_keys in config.yaml'));
  return {
    by: 'key',
    async verify(found, imageDigest) {
      await verifyByKey(found, { keys, imageDigest });
      return undefined;
    },
    matches: () => true,
  };
}

function identity(trust: Trust, expected: Provenance): Check {
  return {
    by: 'provenance',
    verify: (found, imageDigest) => verifyByCertificate(found, { ...trust, imageDigest }),
    matches: (signer) => signer !== undefined && matchesProvenance(signer, expected),
  };
}

async function verifyWith(check: Check, options: VerifyOptions): Promise<Verified> {
  const { image, reference, env, signal, logger } = options;
  const repository = openRepository(reference, { access: await options.access(), env, signal });
  const manifest = await manifestOf(repository, options);
  let isSigned = false;
  for await (const signatures of findSignatures(repository, manifest, logger)) {
    for (const found of signatures) {
      let signer: Signer | undefined;
      try {
        signer = await check.verify(found, manifest.digest);
      } catch (error) {
        logger.debug('signature left out', { image, signature: found.place, error: messageOf(error) });
        continue;
      }
      isSigned = true;
      if (check.matches(signer))
        return { manifest: manifest.digest, by: check.by, signer: signer?.subject ?? '' };
    }
  }
  throw new ThvError('ERR_IMAGE_UNVERIFIED', { image, reason: isSigned ? NO_MATCH : NOT_SIGNED });
}

async function manifestOf(repository: RepositoryClient, { image, reference, manifest }: VerifyOptions) {
  const wanted = manifest ?? reference.digest ?? reference.tag ?? 'latest';
  const found = await repository.findManifest(wanted);
  if (found === undefined) {
    const reason = `image verification failed: the registry has no ${wanted} of ${image}`;
    throw new ThvError('ERR_IMAGE_UNVERIFIED', { image, reason });
  }
  return found;
}

function asFailure(image: string, error: unknown): ThvError {
  if (hasCode(error, 'ERR_IMAGE_UNVERIFIED')) return error;
  const reason = `image verification failed: ${messageOf(error)}`;
  return new ThvError('ERR_IMAGE_UNVERIFIED', { image, reason }, { cause: error });
}

/** One that names nobody would be met by anybody. */
function saysSigner(provenance: Provenance): boolean {
  const { repository_uri, repository_ref, signer_identity, runner_environment, cert_issuer } = provenance;
  return `${repository_uri}${repository_ref}${signer_identity}${runner_environment}${cert_issuer}` !== '';
}
