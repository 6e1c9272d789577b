import type { Bundle } from '@sigstore/bundle';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import * as v from 'valibot';
import { digestOf } from './registry-client.ts';
import type { CertificateIdentity } from './sigstore.ts';
import { loadSigstore } from './sigstore.ts';
import type { FoundSignature, Signer } from './types.ts';

/** How much has to prove that a certificate was valid when it signed (spec 03 §12.4-1). */
export interface Thresholds {
  /** Signed certificate timestamps. */
  readonly ctlogThreshold: number;
  /** Entries of a transparency log. */
  readonly tlogThreshold: number;
  /** Times that somebody else attests. */
  readonly timestampThreshold: number;
}

const COSIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
const STATEMENT_TYPE = 'application/vnd.in-toto+json';

const Statement = v.object({
  _type: v.pipe(v.string(), v.regex(/^https:\/\/in-toto\.io\/Statement\/v/)),
  subject: v.array(v.object({ digest: v.record(v.string(), v.string()) })),
  predicateType: v.string(),
  predicate: v.optional(v.unknown()),
});
type Statement = v.InferOutput<typeof Statement>;

/** Extensions of a Fulcio certificate (sigstore/fulcio `docs/oid-info.md`), each a UTF8String. */
const OIDS = {
  runnerEnvironment: '1.3.6.1.4.1.57264.1.11',
  repositoryUri: '1.3.6.1.4.1.57264.1.12',
  repositoryRef: '1.3.6.1.4.1.57264.1.14',
} as const;

/** Who signed, by a certificate that leads to `root`. Throws what is wrong with the signature. */
export async function verifyByCertificate(
  found: FoundSignature,
  { root, thresholds, imageDigest }: { root: TrustedRoot; thresholds: Thresholds; imageDigest: string },
): Promise<Signer> {
  const { bundleFromJSON, toSignedEntity, toTrustMaterial, Verifier } = await loadSigstore();
  const bundle = bundleFromJSON(found.bundle);
  const statement = statementAbout(bundle, found, imageDigest);
  const verifier = new Verifier(toTrustMaterial(root), thresholds);
  const { identity } = verifier.verify(toSignedEntity(bundle, found.artifact));
  if (identity === undefined) throw new Error('it was made with a key, not with a certificate');
  return { ...signerOf(identity), ...attestationOf(statement) };
}

/**
 * Verified with a key of the user's own: the key alone counts, and neither logs nor times are asked for, which companies that sign
 * with keys need not have. A statement has to be the one that `cosign sign` makes: a report of flaws is signed too.
 */
export async function verifyByKey(
  found: FoundSignature,
  { keys, imageDigest }: { readonly keys: readonly string[]; readonly imageDigest: string },
): Promise<void> {
  const { bundleFromJSON, createPublicKey, toSignedEntity } = await loadSigstore();
  const bundle = bundleFromJSON(found.bundle);
  const statement = statementAbout(bundle, found, imageDigest);
  if (statement !== undefined && statement.predicateType !== COSIGN_PREDICATE)
    throw new Error(`it is a statement of type ${statement.predicateType}, not a signature of the image`);
  const { signature } = toSignedEntity(bundle, found.artifact);
  if (!keys.some((pem) => signature.verifySignature(createPublicKey(pem))))
    throw new Error('it was made with none of the configured keys');
}

/**
 * Binds a signature to the image: what is in an envelope has to name it, and what is not is about its very bytes, or about a
 * payload that was compared before.
 */
function statementAbout(
  { content }: Bundle,
  { artifact, namesImage }: FoundSignature,
  imageDigest: string,
): Statement | undefined {
  if (content.$case === 'messageSignature') {
    if (!namesImage && digestOf(artifact) !== imageDigest) throw new Error('it is about another image');
    return undefined;
  }
  const { payloadType, payload } = content.dsseEnvelope;
  if (payloadType !== STATEMENT_TYPE) throw new Error(`it signs ${payloadType}`);
  const statement = v.parse(Statement, JSON.parse(payload.toString()));
  const isAbout = statement.subject.some(({ digest }) => `sha256:${digest['sha256']}` === imageDigest);
  if (!isAbout) throw new Error('it is about another image');
  return statement;
}

function attestationOf(statement: Statement | undefined): Pick<Signer, 'attestation'> {
  if (statement === undefined || statement.predicateType === COSIGN_PREDICATE) return {};
  return { attestation: { predicateType: statement.predicateType, predicate: statement.predicate } };
}

function signerOf({ subjectAlternativeName, extensions, oids = [] }: CertificateIdentity): Signer {
  const textOf = (wanted: string) => {
    const value = oids.find(({ oid }) => oid?.id.join('.') === wanted)?.value;
    return value === undefined ? '' : derText(value);
  };
  return {
    subject: subjectAlternativeName ?? '',
    issuer: extensions?.issuer ?? '',
    repositoryUri: textOf(OIDS.repositoryUri),
    repositoryRef: textOf(OIDS.repositoryRef),
    runnerEnvironment: textOf(OIDS.runnerEnvironment),
  };
}

/** Text of a DER UTF8String; the library gives its bytes as they are. */
function derText(value: Buffer): string {
  const [tag, length = 0] = value;
  if (tag !== 0x0c) return '';
  if (length < 0x80) return value.subarray(2, 2 + length).toString();
  const width = length & 0x7f;
  return value.subarray(2 + width, 2 + width + value.readUIntBE(2, width)).toString();
}
