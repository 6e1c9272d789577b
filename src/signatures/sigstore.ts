/** The Sigstore libraries. They take tens of milliseconds to load, so only where there is a signature to verify. */
import type { Verifier } from '@sigstore/verify';

export type CertificateIdentity = NonNullable<ReturnType<Verifier['verify']>['identity']>;

export async function loadSigstore() {
  const [{ bundleFromJSON }, { toSignedEntity, toTrustMaterial, Verifier }, { createPublicKey }] =
    await Promise.all([import('@sigstore/bundle'), import('@sigstore/verify'), import('node:crypto')]);
  return { bundleFromJSON, toSignedEntity, toTrustMaterial, Verifier, createPublicKey };
}
