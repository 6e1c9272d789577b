import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { initializeCA, initializeCTLog, initializeTLog } from '@sigstore/mock';

/** A Sigstore of the tests' own: certificate authority, certificate log, transparency log and time stamps. */
export interface Signers {
  /** What a trusted root says of them (`trusted_root.json`). */
  readonly trustedRoot: Record<string, unknown>;
  /** Signs with a certificate that was made for this one signature. */
  sign(data: Buffer, identity?: Identity): Promise<Keyless>;
}

export interface Identity {
  readonly repository?: string;
  readonly workflow?: string;
  readonly issuer?: string;
}

interface Keyless {
  readonly signature: Buffer;
  readonly certificate: Buffer;
  readonly log: (entry: (signed: { signature: string; verifier: string }) => object) => Promise<LogEntry>;
}

export interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly set: string;
  readonly proof: {
    readonly logIndex: number;
    readonly treeSize: number;
    readonly rootHash: string;
    readonly hashes: readonly string[];
    readonly checkpoint: string;
  };
}

/** As the log answers; the types of the package do not say what is always there. */
interface Logged extends Pick<LogEntry, 'body' | 'integratedTime' | 'logID' | 'logIndex'> {
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: LogEntry['proof'];
  };
}

export const REPOSITORY = 'https://github.com/example/server';
export const WORKFLOW = '/.github/workflows/release.yml';
export const ISSUER = 'https://token.actions.githubusercontent.com';
const EXTENSIONS = '1.3.6.1.4.1.57264.1.';
const FULCIO = 'https://fulcio.test';
const REKOR = 'https://rekor.test';

const ecKeys = (namedCurve: 'P-256' | 'P-384' = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const base64 = (bytes: ArrayBufferView | Buffer) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** `loggedAfterMs`: how much later the log saw a signature than its certificate was made; ten minutes is too late. */
export async function createSigners({ loggedAfterMs = 60_000 } = {}): Promise<Signers> {
  // The authority's own certificate begins now, so what it issues begins a moment later.
  const made = new Date(Date.now() + 2000);
  const ctlog = await initializeCTLog(ecKeys(), made);
  const ca = await initializeCA(ecKeys('P-384'), ctlog, made);
  const tlog = await initializeTLog(REKOR, ecKeys(), new Date(made.getTime() + loggedAfterMs));
  const validFor = { start: new Date(made.getTime() - 86_400_000).toISOString() };
  const log = (publicKey: Buffer, baseUrl: string) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: base64(publicKey), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: base64(sha256(publicKey)) },
  });
  return {
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [log(tlog.publicKey, REKOR)],
      certificateAuthorities: [
        {
          subject: { organization: 'test', commonName: 'test' },
          uri: FULCIO,
          certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] },
          validFor,
        },
      ],
      ctlogs: [log(ctlog.publicKey, 'https://ctlog.test')],
      timestampAuthorities: [],
    },
    async sign(data, { repository = REPOSITORY, workflow = WORKFLOW, issuer = ISSUER } = {}) {
      const { publicKey, privateKey } = ecKeys();
      const certificate = Buffer.from(
        (
          await ca.issueCertificate({
            publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
            subjectAltName: `${repository}${workflow}@refs/tags/v1`,
            extensions: [
              { oid: `${EXTENSIONS}8`, value: issuer },
              { oid: `${EXTENSIONS}11`, value: 'github-hosted' },
              { oid: `${EXTENSIONS}12`, value: repository },
              { oid: `${EXTENSIONS}14`, value: 'refs/tags/v1' },
            ],
          })
        ).buffer,
      );
      const signature = sign('sha256', data, privateKey);
      return {
        signature,
        certificate,
        async log(entry) {
          const proposed = entry({
            signature: signature.toString('base64'),
            verifier: Buffer.from(pemOf(certificate)).toString('base64'),
          }) as { readonly kind: string; readonly apiVersion: string };
          const [logged] = Object.values(await tlog.log(proposed)) as unknown as readonly Logged[];
          if (logged === undefined) throw new Error('not logged');
          const { verification } = logged;
          return {
            body: logged.body,
            integratedTime: logged.integratedTime,
            logID: logged.logID,
            logIndex: logged.logIndex,
            kindVersion: { kind: proposed.kind, version: proposed.apiVersion },
            set: verification.signedEntryTimestamp,
            proof: verification.inclusionProof,
          };
        },
      };
    },
  };
}

/** Keys of somebody who signs with a key alone, as `cosign generate-key-pair` makes them. */
export function createKeys(): { readonly publicPem: string; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = ecKeys();
  return { publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(), privateKey };
}
