import { describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseImagesOf, wantsBuildKit } from './base-images.ts';
import { dockerfileContext as contextFor, projectContext } from './context.ts';

const dockerfileContext = (folder: string) => contextFor(folder, 'Dockerfile');

type Context = typeof projectContext;

/** What of a folder is sent, folders with a slash behind. */
async function sent(context: Context, files: readonly string[], ignore?: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'thv-context-'));
  try {
    for (const file of files) await Bun.write(join(folder, file), 'x');
    await mkdir(join(folder, '.git'));
    if (ignore !== undefined) await Bun.write(join(folder, '.dockerignore'), ignore);
    const paths = [];
    for await (const { path, kind } of context(folder)) paths.push(kind === 'folder' ? `${path}/` : path);
    return paths;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('what of a folder is sent to the engine', () => {
  const files = [
    'a.js',
    '.env',
    '.env.local',
    'node_modules/x/index.js',
    'lib/node_modules/y.js',
    'lib/b.js',
  ];

  test.each<[string, Context, string | undefined, readonly string[]]>([
    [
      'of a project neither what its tools make anew nor secrets nor history',
      projectContext,
      undefined,
      ['a.js', 'lib/', 'lib/b.js'],
    ],
    ['nor what its ignore file names', projectContext, 'lib\n', ['a.js']],
    ['a byte order mark is no part of a pattern', projectContext, '\uFEFFlib\r\n', ['a.js']],
    [
      'an ignore file can take back what is left out',
      projectContext,
      '!.env\n!lib/node_modules\n',
      ['.env', 'a.js', 'lib/', 'lib/b.js', 'lib/node_modules/', 'lib/node_modules/y.js'],
    ],
    ['a list of what is sent', projectContext, '*\n!lib/b.js\n', ['lib/b.js']],
    [
      'to a Dockerfile everything, as its author expects',
      dockerfileContext,
      undefined,
      [
        '.env',
        '.env.local',
        '.git/',
        'a.js',
        'lib/',
        'lib/b.js',
        'lib/node_modules/',
        'lib/node_modules/y.js',
        'node_modules/',
        'node_modules/x/',
        'node_modules/x/index.js',
      ],
    ],
    ['but not what its ignore file names', dockerfileContext, '*\n!a.js\n', ['a.js']],
  ])('%s', async (_sentence, context, ignore, expected) => {
    expect(await sent(context, files, ignore)).toEqual(expected);
  });

  test('a Dockerfile that is left out is sent all the same', async () => {
    expect(await sent(dockerfileContext, ['Dockerfile', 'a.js'], '*\n')).toEqual(['Dockerfile']);
  });

  test('a folder of the name of ours is not taken for it', async () => {
    expect(await sent(projectContext, ['.thv-build/Dockerfile', 'a.js'])).toEqual(['a.js']);
  });
});

test.each<[string, string, readonly string[]]>([
  ['one', 'FROM alpine:3\nRUN x', ['alpine:3']],
  ['none', '# FROM alpine\n', []],
  [
    'stages of its own',
    'from a:1 as One\nFROM ONE\nFROM one AS two\nFROM --platform=$X b/c\n',
    ['a:1', 'b/c'],
  ],
  ['names made of arguments', 'ARG V=1\nFROM a:$V\nFROM ${B}\nFROM c', ['c']],
  ['scratch is no image', 'FROM scratch\r\n  FROM a\r\n', ['a']],
  ['twice the same', 'FROM a AS x\nFROM a AS y\n', ['a']],
])('base images of a Dockerfile: %s', (_sentence, text, expected) => {
  expect(baseImagesOf(text)).toEqual(expected);
});

test.each<[string, boolean]>([
  ['RUN --mount=type=cache,target=/x make', true],
  ['  copy --from=a --link x y', true],
  ['RUN <<EOT\necho\nEOT', true],
  ["RUN cat <<-'E' > x\nE", true],
  ['# syntax=docker/dockerfile:1\nFROM a\nRUN make', false],
  ['COPY --from=a --chown=b:c x y', false],
  ['RUN cat <<<"x"', false],
  ['# RUN --mount', false],
])('%j wants BuildKit: %p', (text, expected) => {
  expect(wantsBuildKit(text)).toBe(expected);
});
