import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, silentLogger } from '../platform/index.ts';
import { deleteOverlays, makeOverlays, overlayFolder } from './ignore-overlays.ts';

let base: string;
let project: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'thv-overlays-'));
  project = join(base, 'project');
  mkdirSync(join(project, 'secrets', 'public'), { recursive: true });
  writeFileSync(join(project, '.env'), 'secret');
  writeFileSync(join(project, 'other.key'), 'secret');
  writeFileSync(join(base, 'thvignore'), '*.key\n');
  writeFileSync(join(project, '.thvignore'), '.env\nsecrets/\n');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const overlaysFor = (mounts: Parameters<typeof makeOverlays>[0], options = {}) =>
  makeOverlays(mounts, {
    ignore: { LoadGlobal: true, PrintOverlays: false },
    globalFile: join(base, 'thvignore'),
    folder: overlayFolder(base, 'x'),
    logger: silentLogger,
    ...options,
  });
const targets = (overlays: Awaited<ReturnType<typeof makeOverlays>>) => overlays.map(({ target }) => target);
const readWrite = () => ({ source: project, target: '/data', readOnly: false });

test('files are hidden by one empty file that cannot be written, folders by empty ones', async () => {
  const overlays = await overlaysFor([readWrite()]);
  expect(overlays).toEqual([
    {
      source: join(base, 'overlays', 'x', 'empty-file'),
      target: '/data/.env',
      readOnly: true,
      hidden: join(project, '.env'),
    },
    {
      source: join(base, 'overlays', 'x', 'empty-file'),
      target: '/data/other.key',
      readOnly: true,
      hidden: join(project, 'other.key'),
    },
    {
      source: expect.stringMatching(/\/overlays\/x\/folder-[0-9a-f]{12}$/),
      target: '/data/secrets',
      readOnly: false,
      hidden: join(project, 'secrets'),
    },
  ]);
  for (const { source, target } of overlays) {
    if (target === '/data/secrets') expect(readdirSync(source)).toEqual([]);
    else expect(readFileSync(source, 'utf8')).toBe('');
  }
});

test('a second time they are the same, and what a server wrote to its folder is still there', async () => {
  const first = await overlaysFor([readWrite()]);
  const folder = first.find(({ target }) => target === '/data/secrets')?.source ?? '';
  writeFileSync(join(folder, 'own'), '');
  expect(await overlaysFor([readWrite()])).toEqual(first);
  expect(readdirSync(folder)).toEqual(['own']);
});

test('over a read-only mount everything is read-only', async () => {
  const overlays = await overlaysFor([{ ...readWrite(), readOnly: true }]);
  expect(overlays.map(({ readOnly }) => readOnly)).toEqual([true, true, true]);
});

test('the global file is left alone when it is not asked for, and followed when nothing is said', async () => {
  const ignore = { LoadGlobal: false, PrintOverlays: false };
  expect(targets(await overlaysFor([readWrite()], { ignore }))).toEqual(['/data/.env', '/data/secrets']);
  expect(targets(await overlaysFor([readWrite()], { ignore: undefined }))).toContain('/data/other.key');
});

test('what a mount of its own grants is not hidden, and nothing is put into it', async () => {
  const publicFolder = join(project, 'secrets', 'public');
  writeFileSync(join(publicFolder, 'file'), '');
  writeFileSync(join(project, '.thvignore'), '.env\nsecrets/\nsecrets/public/file\n');
  const mounts = [
    { source: project, target: '/data', readOnly: true },
    { source: join(base, 'thvignore'), target: '/data/.env', readOnly: true },
    { source: publicFolder, target: '/data/secrets/public', readOnly: true },
    { source: join(base, 'thvignore'), target: '/data/secrets/note', readOnly: true },
  ];
  const overlays = await overlaysFor(mounts);
  expect(targets(overlays)).toEqual(['/data/other.key', '/data/secrets']);
  // Places for what is mounted inside, where nothing could be made any more.
  expect(readdirSync(overlays[1]?.source ?? '').sort()).toEqual(['note', 'public']);
});

test('mounts of files and of what does not exist have nothing to hide', async () => {
  const mounts = [join(project, '.env'), join(base, 'nothing')].map((source, index) => ({
    source,
    target: `/data/${index}`,
    readOnly: true,
  }));
  expect(await overlaysFor(mounts)).toEqual([]);
  expect(existsSync(join(base, 'overlays'))).toBe(false);
});

test('the whole of a file system can be the target', async () => {
  expect(targets(await overlaysFor([{ ...readWrite(), target: '/' }]))).toContain('/.env');
});

test('what cannot be made is an error, not a hole', async () => {
  writeFileSync(join(base, 'overlays'), 'in the way');
  await expect(overlaysFor([readWrite()])).rejects.toThrow(
    `failed to hide what an ignore file names in ${join(project, '.env')}: `,
  );
});

describe('a server that may write to the folder', () => {
  /** What is hidden at the next start, after the server did something in the folder of its mount. */
  async function hiddenAfter(act: () => void, mount = readWrite()): Promise<readonly string[]> {
    await overlaysFor([mount]);
    act();
    return targets(await overlaysFor([mount]));
  }
  const ALL = ['/data/.env', '/data/other.key', '/data/secrets'];
  const inProject = (path: string) => join(project, path);
  const ignore = (text: string) => writeFileSync(inProject('.thvignore'), text);

  test.each<[string, () => void, readonly string[]]>([
    ['deletes the ignore file', () => unlinkSync(inProject('.thvignore')), ALL],
    ['empties it', () => ignore(''), ALL],
    ['moves it', () => renameSync(inProject('.thvignore'), inProject('ignored')), ALL],
    ['adds to it', () => ignore('.thvignore\n'), ['/data/.env', '/data/.thvignore', ...ALL.slice(1)]],
    [
      'puts another file in place of a hidden one',
      () => {
        unlinkSync(inProject('.env'));
        writeFileSync(inProject('.env'), 'new');
      },
      ALL,
    ],
    [
      'makes something that the patterns name',
      () => writeFileSync(inProject('late.key'), 'new'),
      ['/data/.env', '/data/late.key', '/data/other.key', '/data/secrets'],
    ],
    [
      'moves what is hidden',
      () => renameSync(inProject('.env'), inProject('env')),
      ['/data/env', ...ALL.slice(1)],
    ],
    [
      'moves a hidden folder and leaves a link to another one',
      () => {
        renameSync(inProject('secrets'), inProject('moved'));
        symlinkSync('/etc', inProject('secrets'));
      },
      ['/data/.env', '/data/moved', '/data/other.key'],
    ],
  ])('%s, and hides no less', async (_, act, expected) => {
    expect(await hiddenAfter(act)).toEqual([...expected]);
    // And so at every start from then on.
    expect(targets(await overlaysFor([readWrite()]))).toEqual([...expected]);
  });

  test('moves the folder that something hidden is in', async () => {
    mkdirSync(inProject('src/deep'), { recursive: true });
    writeFileSync(inProject('src/deep/a.pem'), 'secret');
    ignore('src/deep/*.pem\n');
    const hidden = await hiddenAfter(() => renameSync(inProject('src'), inProject('elsewhere')));
    expect(hidden).toEqual(['/data/elsewhere/deep/a.pem', '/data/other.key']);
  });

  test('may do so by way of another mount of the folder', async () => {
    const mounts = [
      { ...readWrite(), readOnly: true },
      { source: base, target: '/all', readOnly: false },
    ];
    await overlaysFor(mounts);
    unlinkSync(inProject('.thvignore'));
    expect(targets(await overlaysFor(mounts))).toContain('/data/.env');
  });

  test('what was hidden and is gone hides nothing else that gets its number from the file system', async () => {
    const hidden = await hiddenAfter(() => {
      unlinkSync(inProject('.env'));
      for (let index = 0; index < 20; index++) writeFileSync(inProject(`note-${index}`), 'new');
    });
    expect(hidden).toEqual(['/data/other.key', '/data/secrets']);
  });

  test('a user is told which patterns still hold', async () => {
    await overlaysFor([readWrite()]);
    ignore('secrets/\n');
    const warnings: (LogFields | undefined)[] = [];
    await overlaysFor([readWrite()], {
      logger: { ...silentLogger, warn: (_: string, fields?: LogFields) => void warnings.push(fields) },
    });
    expect(warnings).toEqual([
      {
        folder: project,
        patterns: ['.env'],
        remedy: 'to drop them, remove the workload and run it again',
      },
    ]);
  });

  test('a record that is broken is an error, not a hole', async () => {
    await overlaysFor([readWrite()]);
    writeFileSync(join(overlayFolder(base, 'x'), 'hidden.json'), '{');
    await expect(overlaysFor([readWrite()])).rejects.toThrow('remove the workload and run it again');
  });
});

test('an ignore file in a folder that the server cannot write to counts as it is', async () => {
  const mount = { ...readWrite(), readOnly: true };
  await overlaysFor([mount]);
  writeFileSync(join(project, '.thvignore'), 'secrets/\n');
  expect(targets(await overlaysFor([mount]))).toEqual(['/data/other.key', '/data/secrets']);
});

test('an ignore file that cannot be read is an error, not a hole', async () => {
  unlinkSync(join(project, '.thvignore'));
  mkdirSync(join(project, '.thvignore'));
  await expect(overlaysFor([readWrite()])).rejects.toThrow('it is no file');
});

test('further names of a hidden file are hidden too', async () => {
  mkdirSync(join(project, 'src'));
  linkSync(join(project, '.env'), join(project, 'src', 'settings'));
  for (const readOnly of [false, true]) {
    expect(targets(await overlaysFor([{ ...readWrite(), readOnly }]))).toEqual([
      '/data/.env',
      '/data/other.key',
      '/data/secrets',
      '/data/src/settings',
    ]);
  }
});

test('printed are mounts with something to hide, and what hides it', async () => {
  const lines: [string, LogFields | undefined][] = [];
  const logger: Logger = { ...silentLogger, info: (...line) => void lines.push([line[0], line[1]]) };
  mkdirSync(join(base, 'plain'));
  const mounts = [readWrite(), { source: join(base, 'plain'), target: '/plain', readOnly: true }];
  await overlaysFor(mounts, { logger });
  expect(lines).toEqual([]);
  const overlays = await overlaysFor(mounts, { logger, ignore: { LoadGlobal: false, PrintOverlays: true } });
  expect(lines).toEqual([
    ['Resolved overlays for mount', { bindMount: project, containerPath: '/data' }],
    ...overlays.map(({ source, target }): [string, LogFields] => [
      'Overlay mount',
      { containerPath: target, hostPath: source },
    ]),
  ]);
});

test('they are deleted with everything in them, and more than once', async () => {
  await overlaysFor([readWrite()]);
  await deleteOverlays(base, 'x');
  await deleteOverlays(base, 'x');
  expect(readdirSync(join(base, 'overlays'))).toEqual([]);
  expect(readFileSync(join(project, '.env'), 'utf8')).toBe('secret');
});
