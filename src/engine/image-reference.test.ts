import { describe, expect, test } from 'bun:test';
import { hasCode } from '../errors/index.ts';
import { imageName, isLatest, parseImageReference } from './image-reference.ts';

const HEX = '0123456789abcdef'.repeat(4);

const VALID: readonly [string, { name: string; tag?: string; digest?: string; latest: boolean }][] = [
  ['busybox', { name: 'docker.io/library/busybox', latest: true }],
  ['busybox:latest', { name: 'docker.io/library/busybox', tag: 'latest', latest: true }],
  ['mcp/fetch', { name: 'docker.io/mcp/fetch', latest: true }],
  ['docker.io/busybox:1', { name: 'docker.io/library/busybox', tag: '1', latest: false }],
  ['index.docker.io/mcp/fetch:1.2', { name: 'docker.io/mcp/fetch', tag: '1.2', latest: false }],
  ['ghcr.io/a/b/c:v1', { name: 'ghcr.io/a/b/c', tag: 'v1', latest: false }],
  ['localhost/x1:1', { name: 'localhost/x1', tag: '1', latest: false }],
  ['localhost:5000/image', { name: 'localhost:5000/image', latest: true }],
  ['127.0.0.1:5000/a/b:Tag_1.0-x', { name: '127.0.0.1:5000/a/b', tag: 'Tag_1.0-x', latest: false }],
  ['[::1]:5000/image:1', { name: '[::1]:5000/image', tag: '1', latest: false }],
  [`alpine@sha256:${HEX}`, { name: 'docker.io/library/alpine', digest: `sha256:${HEX}`, latest: false }],
  [
    `ghcr.io/a/b:latest@sha256:${HEX}`,
    { name: 'ghcr.io/a/b', tag: 'latest', digest: `sha256:${HEX}`, latest: false },
  ],
  [`x${'y'.repeat(246)}`, { name: `docker.io/library/x${'y'.repeat(246)}`, latest: true }],
];

const INVALID: readonly [string, string][] = [
  ['', 'it is empty'],
  ['UPPER', 'the repository "library/UPPER" has characters other than a-z, 0-9, "_", ".", "/" and "-"'],
  ['a b', 'the repository "library/a b" has characters other than a-z, 0-9, "_", ".", "/" and "-"'],
  ['ghcr.io/', 'the repository "" is not 2 to 255 characters long'],
  ['ghcr.io/x', 'the repository "x" is not 2 to 255 characters long'],
  [`ghcr.io/${'x'.repeat(256)}`, `the repository "${'x'.repeat(256)}" is not 2 to 255 characters long`],
  ['ghcr.io//x', 'the repository "/x" has an empty part'],
  ['ghcr.io/x/', 'the repository "x/" has an empty part'],
  ['/abs/path', 'the repository "/abs/path" has an empty part'],
  ['a/../../containers/x', 'the repository "a/../../containers/x" has a part that is "." or ".."'],
  ['ghcr.io/./x', 'the repository "./x" has a part that is "." or ".."'],
  ['./local', '"." is not a registry host'],
  ['image:', 'the tag "" is not 1 to 127 of letters, digits, "_", "." and "-"'],
  ['image:ta g', 'the tag "ta g" is not 1 to 127 of letters, digits, "_", "." and "-"'],
  [
    `image:${'t'.repeat(128)}`,
    `the tag "${'t'.repeat(128)}" is not 1 to 127 of letters, digits, "_", "." and "-"`,
  ],
  ['image@sha256:abc', 'the digest "sha256:abc" is not sha256: and 64 hex digits'],
  [`image@md5:${HEX}`, `the digest "md5:${HEX}" is not sha256: and 64 hex digits`],
  [`image@sha256:${HEX}@sha256:${HEX}`, 'it has more than one "@"'],
  ['-bad.io/image', '"-bad.io" is not a registry host'],
  ['host:port/image', '"host:port" is not a registry host'],
];

describe('parseImageReference', () => {
  test.each(VALID)('%s', (text, { name, tag, digest, latest }) => {
    const reference = parseImageReference(text);
    expect([imageName(reference), reference.tag, reference.digest, isLatest(reference)]).toEqual([
      name,
      tag,
      digest,
      latest,
    ]);
  });

  test.each(INVALID)('refuses %p', (image, reason) => {
    let caught: unknown;
    try {
      parseImageReference(image);
    } catch (error) {
      caught = error;
    }
    expect(hasCode(caught, 'ERR_IMAGE_REFERENCE_INVALID') && [caught.message, caught.status]).toEqual([
      `failed to parse image reference "${image}": ${reason}`,
      400,
    ]);
  });
});
