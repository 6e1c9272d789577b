import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';
import { type Identity, type LogEntry, pemOf, type Signers, sha256 } from './signers.ts';

/** Puts images and signatures into a registry, as cosign and GitHub's action do. */

export interface PushedImage {
  readonly host: string;
  readonly repository: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const STATEMENT = 'application/vnd.in-toto+json';

const digestOf = (bytes: Uint8Array) => `sha256:${sha256(bytes).toString('hex')}`;

/** An image of nothing but its settings; `seed` makes it another one. */
export async function pushImage(
  host: string,
  repository: string,
  tag: string,
  seed = tag,
): Promise<PushedImage> {
  const config = await pushBlob(
    host,
    repository,
    Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', seed })),
  );
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' },
      layers: [],
    }),
  );
  await pushManifest(host, repository, tag, OCI_MANIFEST, bytes);
  return { host, repository, digest: digestOf(bytes), bytes };
}

/** Simple signing with a certificate. `about`: the digest that the payload names. */
export async function signSimply(
  image: PushedImage,
  signers: Signers,
  { about = image.digest, identity = {} as Identity, alter = (text: string) => text } = {},
): Promise<void> {
  const payload = payloadAbout(image, about);
  const { signature, certificate, log } = await signers.sign(payload, identity);
  const entry = await log((signed) => hashedRecord(payload, signed));
  await pushSignature(image, payload, {
    'dev.cosignproject.cosign/signature': alter(signature.toString('base64')),
    'dev.sigstore.cosign/certificate': pemOf(certificate),
    'dev.sigstore.cosign/bundle': JSON.stringify({
      SignedEntryTimestamp: entry.set,
      Payload: {
        body: entry.body,
        integratedTime: entry.integratedTime,
        logIndex: entry.logIndex,
        logID: entry.logID,
      },
    }),
  });
}

/** Simple signing with a key, in no log. */
export async function signWithKey(
  image: PushedImage,
  key: KeyObject,
  { about = image.digest } = {},
): Promise<void> {
  const payload = payloadAbout(image, about);
  await pushSignature(image, payload, {
    'dev.cosignproject.cosign/signature': sign('sha256', payload, key).toString('base64'),
  });
}

/** A bundle with a statement about the image, that refers to it. */
export async function attachBundle(
  image: PushedImage,
  signers: Signers,
  {
    about = image.digest,
    identity = {} as Identity,
    predicateType = 'https://slsa.dev/provenance/v1',
    predicate = { buildType: 'test' } as unknown,
    alter = (bundle: Bundle) => bundle as unknown,
  } = {},
): Promise<void> {
  const payload = statementAbout(about, predicateType, predicate);
  const { signature, certificate, log } = await signers.sign(enveloped(payload), identity);
  const entry = await log(({ signature: content, verifier }) => ({
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
      payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
      signatures: [{ signature: content, verifier }],
    },
  }));
  const bundle = {
    mediaType: BUNDLE,
    verificationMaterial: {
      certificate: { rawBytes: certificate.toString('base64') },
      tlogEntries: [logEntry(entry)],
    },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: STATEMENT,
      signatures: [{ sig: signature.toString('base64') }],
    },
  };
  await pushReferrer(image, alter(bundle));
}
export type Bundle = Record<string, unknown> & { readonly dsseEnvelope: Record<string, unknown> };

/** A bundle as `cosign sign --key` makes it. */
export async function attachKeyBundle(
  image: PushedImage,
  key: KeyObject,
  { about = image.digest, predicateType = 'https://sigstore.dev/cosign/sign/v1' } = {},
): Promise<void> {
  const payload = statementAbout(about, predicateType, {});
  await pushReferrer(image, {
    mediaType: BUNDLE,
    verificationMaterial: { publicKey: { hint: 'mine' }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: STATEMENT,
      signatures: [{ sig: sign('sha256', enveloped(payload), key).toString('base64') }],
    },
  });
}

/** Gives one image what was made for another one. */
export async function copySignatures(from: PushedImage, to: PushedImage): Promise<void> {
  for (const suffix of ['.sig', '']) {
    const source = `http://${from.host}/v2/${from.repository}/manifests/${tagOf(from.digest)}${suffix}`;
    const answer = await fetch(source, { headers: { Accept: `${OCI_MANIFEST}, ${OCI_INDEX}` } });
    if (!answer.ok) continue;
    const type = answer.headers.get('content-type') ?? OCI_MANIFEST;
    const bytes = Buffer.from(await answer.arrayBuffer());
    await pushManifest(to.host, to.repository, `${tagOf(to.digest)}${suffix}`, type, bytes);
  }
}

function payloadAbout({ host, repository }: PushedImage, digest: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': `${host}/${repository}` },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
}

function statementAbout(digest: string, predicateType: string, predicate: unknown): Buffer {
  const subject = [{ name: 'image', digest: { sha256: digest.replace('sha256:', '') } }];
  return Buffer.from(
    JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate }),
  );
}

/** What is signed of an envelope (DSSE, "PAE"). */
function enveloped(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${STATEMENT.length} ${STATEMENT} ${payload.length} `), payload]);
}

function hashedRecord(
  data: Buffer,
  { signature, verifier }: { signature: string; verifier: string },
): object {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: sha256(data).toString('hex') } },
      signature: { content: signature, publicKey: { content: verifier } },
    },
  };
}

function logEntry({ body, integratedTime, logID, logIndex, kindVersion, set, proof }: LogEntry): object {
  const ofHex = (text: string) => Buffer.from(text, 'hex').toString('base64');
  return {
    logIndex: String(logIndex),
    logId: { keyId: ofHex(logID) },
    kindVersion,
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: set },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      treeSize: String(proof.treeSize),
      rootHash: ofHex(proof.rootHash),
      hashes: proof.hashes.map(ofHex),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: body,
  };
}

async function pushSignature(
  { host, repository, digest }: PushedImage,
  payload: Buffer,
  annotations: Record<string, string>,
): Promise<void> {
  const layer = { ...(await pushBlob(host, repository, payload)), mediaType: SIMPLE_SIGNING, annotations };
  const bytes = await manifestOf(host, repository, [layer]);
  await pushManifest(host, repository, `${tagOf(digest)}.sig`, OCI_MANIFEST, bytes);
}

/** Under the tag that stands in for the API of referrers, which this registry does not have (OCI distribution-spec 1.1). */
async function pushReferrer({ host, repository, digest }: PushedImage, bundle: unknown): Promise<void> {
  const layer = {
    ...(await pushBlob(host, repository, Buffer.from(JSON.stringify(bundle)))),
    mediaType: BUNDLE,
  };
  const bytes = await manifestOf(host, repository, [layer], { artifactType: BUNDLE });
  await pushManifest(host, repository, digestOf(bytes), OCI_MANIFEST, bytes);
  const manifests = [
    { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length, artifactType: BUNDLE },
  ];
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  await pushManifest(host, repository, tagOf(digest), OCI_INDEX, index);
}

async function manifestOf(
  host: string,
  repository: string,
  layers: readonly object[],
  more: object = {},
): Promise<Buffer> {
  const config = {
    ...(await pushBlob(host, repository, Buffer.from('{}'))),
    mediaType: 'application/vnd.oci.image.config.v1+json',
  };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...more }));
}

async function pushBlob(host: string, repository: string, bytes: Buffer) {
  const digest = digestOf(bytes);
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const place = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  place.searchParams.set('digest', digest);
  const answer = await fetch(place, {
    method: 'PUT',
    body: bytes,
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  if (answer.status !== 201) throw new Error(`blob not pushed: ${answer.status} ${await answer.text()}`);
  return { digest, size: bytes.length };
}

async function pushManifest(
  host: string,
  repository: string,
  tag: string,
  type: string,
  bytes: Buffer,
): Promise<void> {
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    body: bytes,
    headers: { 'Content-Type': type },
  });
  if (answer.status !== 201) throw new Error(`manifest not pushed: ${answer.status} ${await answer.text()}`);
}

function tagOf(digest: string): string {
  return digest.replace(':', '-');
}

/** An image of the registry in another repository, as an image that no engine has: `label` is part of its settings. */
export async function copyImage(
  host: string,
  from: string,
  repository: string,
  tag: string,
  label: string,
): Promise<PushedImage> {
  const source = await fetch(`http://${host}/v2/${from}/manifests/1`, {
    headers: { Accept: `${OCI_MANIFEST}, ${DOCKER_MANIFEST}` },
  });
  if (!source.ok) throw new Error(`${host} does not have ${from}:1`);
  const manifest = (await source.json()) as {
    readonly config: { readonly digest: string };
    readonly layers: readonly { readonly digest: string }[];
  };
  for (const { digest } of manifest.layers) {
    await fetch(`http://${host}/v2/${repository}/blobs/uploads/?mount=${digest}&from=${from}`, {
      method: 'POST',
    });
  }
  const blob = await fetch(`http://${host}/v2/${from}/blobs/${manifest.config.digest}`);
  const config = (await blob.json()) as { readonly config: object };
  const labelled = { ...config, config: { ...config.config, Labels: { label } } };
  const pushed = await pushBlob(host, repository, Buffer.from(JSON.stringify(labelled)));
  const bytes = Buffer.from(JSON.stringify({ ...manifest, config: { ...manifest.config, ...pushed } }));
  await pushManifest(host, repository, tag, source.headers.get('content-type') ?? OCI_MANIFEST, bytes);
  return { host, repository, digest: digestOf(bytes), bytes };
}
