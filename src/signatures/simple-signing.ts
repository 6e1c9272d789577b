import * as v from 'valibot';
import type { FoundSignature } from './types.ts';

/** cosign's `SIGNATURE_SPEC.md`: the signed payload is a layer, the signature and what proves it are annotations of that layer. */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIGNATURE = 'dev.cosignproject.cosign/signature';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const LOG_ENTRY = 'dev.sigstore.cosign/bundle';

const Payload = v.object({
  critical: v.object({
    image: v.object({ 'docker-manifest-digest': v.string() }),
    type: v.literal('cosign container image signature'),
  }),
});

const LogEntry = v.object({
  SignedEntryTimestamp: v.string(),
  Payload: v.object({
    body: v.string(),
    integratedTime: v.pipe(v.number(), v.integer()),
    logIndex: v.pipe(v.number(), v.integer()),
    logID: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
});
const LogBody = v.object({ kind: v.string(), apiVersion: v.string() });

/**
 * One layer as a Sigstore bundle. `undefined` when it cannot be read, or when what was signed is another image: a signature copied
 * from there (spec 03 §15-B19).
 */
export function simpleSignature(
  place: string,
  annotations: Readonly<Record<string, string>>,
  payload: Buffer,
  imageDigest: string,
): FoundSignature | undefined {
  try {
    const { critical } = v.parse(Payload, JSON.parse(payload.toString()));
    if (critical.image['docker-manifest-digest'] !== imageDigest) return undefined;
    const bundle = {
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      messageSignature: {
        messageDigest: {
          algorithm: 'SHA2_256',
          digest: Buffer.from(place.replace('sha256:', ''), 'hex').toString('base64'),
        },
        signature: annotations[SIGNATURE] ?? '',
      },
      verificationMaterial: {
        ...signedBy(annotations[CERTIFICATE]),
        tlogEntries: logEntries(annotations[LOG_ENTRY]),
        timestampVerificationData: { rfc3161Timestamps: [] },
      },
    };
    return { place, bundle, artifact: payload, namesImage: true };
  } catch {
    return undefined; // what cannot be read proves nothing
  }
}

function signedBy(pem: string | undefined) {
  const body = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(pem ?? '')?.[1];
  if (body === undefined) return { publicKey: { hint: '' } };
  return { x509CertificateChain: { certificates: [{ rawBytes: body.replaceAll(/\s/g, '') }] } };
}

function logEntries(text: string | undefined) {
  if (text === undefined || text === '') return [];
  const { SignedEntryTimestamp, Payload: entry } = v.parse(LogEntry, JSON.parse(text));
  const { kind, apiVersion } = v.parse(LogBody, JSON.parse(Buffer.from(entry.body, 'base64').toString()));
  return [
    {
      logIndex: String(entry.logIndex),
      logId: { keyId: Buffer.from(entry.logID, 'hex').toString('base64') },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(entry.integratedTime),
      inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
      canonicalizedBody: entry.body,
    },
  ];
}
