import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseImageReference } from '../../src/engine/index.ts';
import { createReportingLogger } from '../../src/platform/index.ts';
import {
  type Provenance,
  type Verification,
  type Verified,
  verifyImage,
} from '../../src/signatures/index.ts';
import { type Registry, startRegistry } from '../engine/harness/registry.ts';
import {
  attachBundle,
  attachKeyBundle,
  copySignatures,
  type PushedImage,
  pushImage,
  signSimply,
  signWithKey,
} from './signatures.ts';
import { createKeys, createSigners, ISSUER, REPOSITORY, type Signers, WORKFLOW } from './signers.ts';

let registry: Registry;
let signers: Signers;
let others: Signers;
let tooLate: Signers;
let folder: string;
const mine = createKeys();
const theirs = createKeys();
let count = 0;

beforeAll(async () => {
  registry = await startRegistry();
  [signers, others, tooLate] = await Promise.all([
    createSigners(),
    createSigners(),
    createSigners({ loggedAfterMs: 3_600_000 }),
  ]);
  folder = await mkdtemp(join(tmpdir(), 'thv-signatures-'));
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const PROVENANCE: Provenance = {
  sigstore_url: 'tuf-repo-cdn.sigstore.dev',
  repository_uri: REPOSITORY,
  repository_ref: '',
  signer_identity: WORKFLOW,
  runner_environment: 'github-hosted',
  cert_issuer: ISSUER,
};
const UNSIGNED = 'image verification failed: image is not signed';
const NO_MATCH = 'image verification failed: image provenance does not match';

interface Outcome {
  readonly verified: Verified | undefined;
  readonly error: string | undefined;
  readonly warnings: readonly string[];
}

/** Verifies with the trust root of `trusted` in place of the public one, which was asked for just now. */
async function verify(image: string, verification: Verification, trusted = signers): Promise<Outcome> {
  const trust = join(folder, String(count++));
  await mkdir(trust);
  const kept = {
    tried_at: new Date().toISOString(),
    trusted_root: trusted.trustedRoot,
    metadata: { 'root.json': JSON.stringify({ signed: { version: 1_000_000 } }) },
  };
  await Bun.write(join(trust, 'tuf-repo-cdn.sigstore.dev.json'), JSON.stringify(kept));
  const warnings: string[] = [];
  const logger = createReportingLogger({
    level: 'DEBUG',
    report: ({ level, message }) => {
      if (level === 'WARN') warnings.push(message);
    },
  });
  try {
    const verified = await verifyImage(verification, {
      image,
      reference: parseImageReference(image),
      manifest: undefined,
      access: async () => ({ credentials: undefined, allowsPlainHttp: true }),
      folder: trust,
      env: {},
      logger,
    });
    return { verified, error: undefined, warnings };
  } catch (error) {
    return {
      verified: undefined,
      error: (error as { sentence?: string }).sentence ?? String(error),
      warnings,
    };
  }
}

const nameOf = ({ host, repository }: PushedImage) => `${host}/${repository}:1`;
const push = () => pushImage(registry.host, `team/image-${count++}`, '1', String(count));

type Row = readonly [
  title: string,
  prepare: (image: PushedImage) => Promise<unknown>,
  /** What is wrong; `undefined` when it is verified. */
  problem: string | undefined,
  verification?: Partial<Verification>,
];

const withKey = (...keys: readonly string[]) => ({
  provenance: undefined,
  keys: { [`${registry.host}/team/`]: keys },
});

const ROWS: readonly Row[] = [
  ['unsigned', async () => undefined, UNSIGNED],
  ['signed (simple signing)', (image) => signSimply(image, signers), undefined],
  ['signed (bundle)', (image) => attachBundle(image, signers), undefined],
  [
    'signed by another repository (simple signing)',
    (image) => signSimply(image, signers, { identity: { repository: 'https://github.com/evil/server' } }),
    NO_MATCH,
  ],
  [
    'signed by another workflow (bundle)',
    (image) => attachBundle(image, signers, { identity: { workflow: '/.github/workflows/other.yml' } }),
    NO_MATCH,
  ],
  [
    'a matching bundle behind a signature of somebody else',
    async (image) => {
      await signSimply(image, signers, { identity: { repository: 'https://github.com/mirror/server' } });
      await attachBundle(image, signers);
    },
    undefined,
  ],
  ['signed by an authority that is not trusted', (image) => signSimply(image, others), UNSIGNED],
  ['a bundle of an authority that is not trusted', (image) => attachBundle(image, others), UNSIGNED],
  ['a signature copied from another image of the signer (simple signing)', copied(signSimply), UNSIGNED],
  ['a signature copied from another image of the signer (bundle)', copied(attachBundle), UNSIGNED],
  [
    'a signature that was altered',
    (image) =>
      signSimply(image, signers, {
        alter: (text) => Buffer.from(text, 'base64').reverse().toString('base64'),
      }),
    UNSIGNED,
  ],
  [
    'a bundle whose statement was exchanged',
    (image) =>
      attachBundle(image, signers, {
        about: `sha256:${'0'.repeat(64)}`,
        alter: (bundle) => ({ ...bundle, dsseEnvelope: exchanged(bundle.dsseEnvelope, image.digest) }),
      }),
    UNSIGNED,
  ],
  [
    'a bundle without its entry in the log',
    (image) =>
      attachBundle(image, signers, {
        alter: ({ verificationMaterial, ...rest }) => ({
          ...rest,
          verificationMaterial: { ...(verificationMaterial as object), tlogEntries: [] },
        }),
      }),
    UNSIGNED,
  ],
  [
    'a bundle that is no bundle',
    (image) => attachBundle(image, signers, { alter: () => ({ a: 1 }) }),
    UNSIGNED,
  ],
  [
    'the attestation that was expected',
    (image) => attachBundle(image, signers, { predicateType: 't', predicate: { a: [1, { b: 2 }] } }),
    undefined,
    { provenance: { ...PROVENANCE, attestation: { predicate_type: 't', predicate: { a: [1, { b: 2 }] } } } },
  ],
  [
    'another attestation than was expected',
    (image) => attachBundle(image, signers, { predicateType: 't', predicate: { a: 2 } }),
    NO_MATCH,
    { provenance: { ...PROVENANCE, attestation: { predicate_type: 't', predicate: { a: 1 } } } },
  ],
  [
    'an instance of Sigstore that is not known',
    (image) => signSimply(image, signers),
    'image verification failed: unknown trusted root: tuf.example.com',
    { provenance: { ...PROVENANCE, sigstore_url: 'tuf.example.com' } },
  ],
];

function copied(make: (image: PushedImage, signers: Signers) => Promise<void>) {
  return async (image: PushedImage) => {
    const other = await pushImage(image.host, image.repository, 'other', `other-${count}`);
    await make(other, signers);
    await copySignatures(other, image);
  };
}

/** The signature of one statement over another one. */
function exchanged(envelope: Record<string, unknown>, digest: string) {
  const text = Buffer.from(String(envelope['payload']), 'base64').toString();
  const payload = text.replace('0'.repeat(64), digest.replace('sha256:', ''));
  return { ...envelope, payload: Buffer.from(payload).toString('base64') };
}

describe('what the registry says of the signer', () => {
  test.each(ROWS)('%s', async (_, prepare, problem, verification = {}) => {
    const image = await push();
    await prepare(image);
    await expectRow(image, problem, { provenance: PROVENANCE, keys: {}, ...verification });
  });

  test('a certificate that had expired when the log saw the signature', async () => {
    for (const sign of [signSimply, attachBundle]) {
      const image = await push();
      await sign(image, tooLate);
      await expectRow(image, UNSIGNED, { provenance: PROVENANCE, keys: {} }, tooLate);
    }
  });

  test('nothing', async () => {
    const image = nameOf(await push());
    for (const provenance of [
      undefined,
      { ...PROVENANCE, repository_uri: '', signer_identity: '', runner_environment: '', cert_issuer: '' },
    ]) {
      expect(await verify(image, { mode: 'enabled', provenance, keys: {} })).toMatchObject({
        error: 'provenance server information not set',
      });
      expect(await verify(image, { mode: 'warn', provenance, keys: {} })).toEqual({
        verified: undefined,
        error: undefined,
        warnings: ['MCP server has no provenance information set, skipping image verification'],
      });
    }
  });
});

describe('keys of one’s own', () => {
  const rows: readonly [
    string,
    (image: PushedImage) => Promise<unknown>,
    string | undefined,
    readonly string[],
  ][] = [
    ['unsigned', async () => undefined, UNSIGNED, [mine.publicPem]],
    ['signed (simple signing)', (image) => signWithKey(image, mine.privateKey), undefined, [mine.publicPem]],
    ['signed (bundle)', (image) => attachKeyBundle(image, mine.privateKey), undefined, [mine.publicPem]],
    [
      'signed with one of two keys',
      (image) => signWithKey(image, mine.privateKey),
      undefined,
      [theirs.publicPem, mine.publicPem],
    ],
    ['signed with another key', (image) => signWithKey(image, theirs.privateKey), UNSIGNED, [mine.publicPem]],
    [
      'a bundle of another key',
      (image) => attachKeyBundle(image, theirs.privateKey),
      UNSIGNED,
      [mine.publicPem],
    ],
    [
      'signed with a certificate, which is no key',
      (image) => signSimply(image, signers),
      UNSIGNED,
      [mine.publicPem],
    ],
    [
      'a signature copied from another image (simple signing)',
      copied((image) => signWithKey(image, mine.privateKey)),
      UNSIGNED,
      [mine.publicPem],
    ],
    [
      'a signature copied from another image (bundle)',
      copied((image) => attachKeyBundle(image, mine.privateKey)),
      UNSIGNED,
      [mine.publicPem],
    ],
    [
      'a report of flaws that was signed with the key',
      (image) =>
        attachKeyBundle(image, mine.privateKey, {
          predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1',
        }),
      UNSIGNED,
      [mine.publicPem],
    ],
    ['no key at all', (image) => signWithKey(image, mine.privateKey), UNSIGNED, []],
  ];
  test.each(rows)('%s', async (_, prepare, problem, keys) => {
    const image = await push();
    await prepare(image);
    await expectRow(image, problem, withKey(...keys));
  });

  test('they count, and not what the registry says', async () => {
    const image = await push();
    await signSimply(image, signers);
    await expectRow(image, UNSIGNED, { ...withKey(mine.publicPem), provenance: PROVENANCE });
  });

  test('the most exact name of an image counts', async () => {
    const image = await push();
    await signWithKey(image, mine.privateKey);
    const exact = { [`${image.host}/${image.repository}`]: [mine.publicPem] };
    const keys = { [`${image.host}/`]: [theirs.publicPem], ...exact };
    await expectRow(image, undefined, { keys });
    await expectRow(image, UNSIGNED, {
      keys: { ...exact, [`${image.host}/${image.repository}`]: [theirs.publicPem] },
    });
  });

  test('a key that was broken by hand is named', async () => {
    const image = await push();
    await signWithKey(image, mine.privateKey);
    const broken = mine.publicPem
      .replace('BEGIN PUBLIC', 'BEGIN RSA PUBLIC')
      .replace('END PUBLIC', 'END RSA PUBLIC');
    const { error } = await verify(nameOf(image), { mode: 'enabled', ...withKey(broken) });
    expect(error).toStartWith('image verification failed: invalid public key image_keys in config.yaml: ');
  });
});

test('a registry that does not answer', async () => {
  const gone = await startRegistry();
  await gone[Symbol.asyncDispose]();
  const image = `${gone.host}/team/server:1`;
  for (const asked of [
    { provenance: PROVENANCE, keys: {} },
    { keys: { [`${gone.host}/`]: [mine.publicPem] } },
  ]) {
    const { error } = await verify(image, { mode: 'enabled', ...asked });
    expect(error).toStartWith('image verification failed: ');
    const warned = await verify(image, { mode: 'warn', ...asked });
    expect(warned.error).toBeUndefined();
    expect(warned.warnings).toEqual([error as string]);
  }
});

test('a registry with a login is asked as the engine would', async () => {
  const login = { username: 'user', password: 'secret' };
  await using guarded = await startRegistry(login);
  const { error } = await verify(`${guarded.host}/team/server:1`, {
    mode: 'enabled',
    keys: { [`${guarded.host}/`]: [mine.publicPem] },
  });
  expect(error).toContain('answered 401');
});

/** One row of spec 03 §12.4 in all three modes. */
async function expectRow(
  image: PushedImage,
  problem: string | undefined,
  asked: Omit<Verification, 'mode'>,
  trusted = signers,
): Promise<void> {
  const outcomes = {
    warn: await verify(nameOf(image), { mode: 'warn', ...asked }, trusted),
    enabled: await verify(nameOf(image), { mode: 'enabled', ...asked }, trusted),
    disabled: await verify(nameOf(image), { mode: 'disabled', ...asked }, trusted),
  };
  expect(outcomes.disabled).toEqual({
    verified: undefined,
    error: undefined,
    warnings: ['Image verification is disabled'],
  });
  if (problem === undefined) {
    for (const { verified, error, warnings } of [outcomes.warn, outcomes.enabled]) {
      expect({ manifest: verified?.manifest, error, warnings }).toEqual({
        manifest: image.digest,
        error: undefined,
        warnings: [],
      });
    }
    return;
  }
  expect(outcomes.warn).toEqual({ verified: undefined, error: undefined, warnings: [problem] });
  expect(outcomes.enabled).toEqual({ verified: undefined, error: problem, warnings: [] });
}
