import { expect, test } from 'bun:test';
import { boundManifestOf, type ResolvedImage } from './resolved-image.ts';

const MANIFEST = `sha256:${'b'.repeat(64)}`;
const resolved = (more: Partial<ResolvedImage> = {}): ResolvedImage => ({
  reference: 'r.io/a/b:1',
  digest: `sha256:${'a'.repeat(64)}`,
  provenance: { from: 'registry', manifest: MANIFEST },
  verified: { by: 'key', signer: '' },
  ...more,
});

test.each<[string, Parameters<typeof boundManifestOf>[0], string | undefined]>([
  [
    'verified, because it had to be',
    { image: 'r.io/a/b:1', image_verification: 'enabled', resolved_image: resolved() },
    MANIFEST,
  ],
  ['verified, and a warning would have done', { image: 'r.io/a/b:1', resolved_image: resolved() }, undefined],
  [
    'another image by now',
    { image: 'r.io/a/b:2', image_verification: 'enabled', resolved_image: resolved() },
    undefined,
  ],
  [
    'not verified',
    {
      image: 'r.io/a/b:1',
      image_verification: 'enabled',
      resolved_image: resolved({ verified: undefined }),
    },
    undefined,
  ],
  [
    'of no registry',
    {
      image: 'r.io/a/b:1',
      image_verification: 'enabled',
      resolved_image: resolved({ provenance: { from: 'engine' } }),
    },
    undefined,
  ],
  ['not prepared yet', { image: 'r.io/a/b:1', image_verification: 'enabled' }, undefined],
])('a document is bound to a manifest: %s', (_, config, manifest) => {
  expect(boundManifestOf(config)).toBe(manifest);
});
