import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  imageRepository,
  isPinned,
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';

const parsed = (text: string) => parsePackageReference(text) as PackageReference;

describe('parsePackageReference', () => {
  test.each([
    ['npx://server', { name: 'server', extras: [], version: undefined }],
    ['npx://server@latest', { name: 'server', extras: [], version: undefined }],
    ['npx://@scope/server@1.2.3-rc.1', { name: '@scope/server', extras: [], version: '1.2.3-rc.1' }],
    ['npx://@scope/server@^1.2', { name: '@scope/server', extras: [], version: '^1.2' }],
    ['uvx://mcp-server-time', { name: 'mcp-server-time', extras: [], version: undefined }],
    ['uvx://pkg@latest', { name: 'pkg', extras: [], version: undefined }],
    ['uvx://pkg[cli]@1.0', { name: 'pkg', extras: ['cli'], version: '1.0' }],
    ['uvx://pkg[cli, ws]==1!2.0+local', { name: 'pkg', extras: ['cli', 'ws'], version: '1!2.0+local' }],
    ['go://github.com/o/r/cmd/x', { name: 'github.com/o/r/cmd/x', extras: [], version: undefined }],
    ['go://github.com/o/r@v1.0.0', { name: 'github.com/o/r', extras: [], version: 'v1.0.0' }],
  ])('%s', (text, parts) => {
    expect(parsed(text)).toMatchObject({ text, isLocal: false, ...parts });
  });

  test.each(['go://.', 'go://./cmd/server', 'go://../other', 'go:///abs/path', "go://./it's; here"])(
    '%s is a path of this machine',
    (text) => expect(parsed(text)).toMatchObject({ isLocal: true, package: text.slice(5) }),
  );

  test.each(['server', 'NPX://server', 'http://host/x', 'npx:/server', '', 'docker://image'])(
    '%j has no scheme',
    (text) => {
      expect(parsePackageReference(text)).toBeUndefined();
      expect(() => requirePackageReference(text)).toThrow(
        `invalid protocol scheme: ${text}. Supported schemes are: uvx://, npx://, go://`,
      );
    },
  );

  test.each([
    'npx://',
    'npx://--version',
    'npx://foo;rm -rf /',
    'npx://foo && id',
    'npx://foo`id`',
    'npx://foo$(id)',
    'npx://foo@$(id)',
    "npx://foo'",
    'npx://foo"',
    'npx://foo\nRUN id',
    'npx://foo@1\nRUN id',
    'npx://foo@',
    'npx://../../etc',
    'npx://@scope',
    'npx://git+https://host/x',
    'npx://foo@>=1 <2',
    `npx://${'a'.repeat(600)}`,
    'uvx://-r',
    'uvx://pkg[a;b]',
    'uvx://pkg[',
    'uvx://pkg@1;id',
    "uvx://pkg@1'",
    'uvx://pkg==1 --with evil',
    'uvx://pkg @ git+https://host/x',
    'uvx://pkg\n',
    'go://-x',
    'go://host/../x',
    'go://host/x@v1 y',
    'go://host/$x',
    'go://host/x@v1@v2',
    'go://./a\nb',
  ])('%j is refused', (text) => {
    expect(() => parsePackageReference(text)).toThrow(
      expect.objectContaining({ code: 'ERR_PACKAGE_INVALID' }),
    );
  });

  test('whatever is accepted has no character that a shell or a Dockerfile gives a meaning to', () => {
    const schemes = fc.constantFrom('uvx://', 'npx://', 'go://');
    const soup = fc.string({
      unit: fc.constantFrom(...'ab1@/.[]-_=^~*+ \'"$`\\;&|<>(){}!#\n\t'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(schemes, soup, (scheme, rest) => {
        let reference: PackageReference | undefined;
        try {
          reference = parsePackageReference(scheme + rest);
        } catch {
          return;
        }
        if (reference === undefined || reference.isLocal) return;
        for (const part of [reference.name, reference.version ?? 'x', ...reference.extras])
          expect(part).toMatch(/^[A-Za-z0-9@^~][A-Za-z0-9@/._+!*^~-]*$/);
      }),
      { numRuns: 3000 },
    );
  });
});

test.each([
  ['npx://a@1.2.3', true],
  ['npx://a@^1.2.3', false],
  ['npx://a@next', false],
  ['npx://a', false],
  ['uvx://a@1.2', true],
  ['uvx://a@1.*', false],
  ['uvx://a@latest', false],
  ['go://h/a@v1.2.3', true],
  ['go://h/a@v0.0.0-20240101000000-abcdefabcdef', true],
  ['go://h/a@main', false],
  ['go://h/a', false],
  ['go://./a', true],
])('isPinned %s: %p', (text, expected) => expect(isPinned(parsed(text))).toBe(expected));

test.each([
  ['go://github.com/user/repo@v1.0.0', 'toolhivelocal/go-github-com-user-repo-v1-0-0'],
  ['go://./cmd/my.server/main', 'toolhivelocal/go-cmd-my-server-main'],
  ['go://../other-project', 'toolhivelocal/go-other-project'],
  ['go://.', 'toolhivelocal/go-toolhive-container'],
  ['go:///', 'toolhivelocal/go-toolhive-container'],
  ['npx://@modelcontextprotocol/server-x', 'toolhivelocal/npx-modelcontextprotocol-server-x'],
  ['uvx://Some_Thing[a,b]@1.0', 'toolhivelocal/uvx-some_thing-a-b--1-0'],
  ['go://./Größe & mehr/', 'toolhivelocal/go-gr--e---mehr'],
])('imageRepository %s', (text, expected) => expect(imageRepository(parsed(text))).toBe(expected));

test('every image name is one that engines take', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: 'binary-ascii' }), (path) => {
      if (/[\0-\x1f\x7f]/.test(path) || path.length > 500) return;
      const [, repository] = imageRepository(parsed(`go://./${path}`)).split('/');
      expect(repository).toMatch(/^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/);
    }),
  );
});
