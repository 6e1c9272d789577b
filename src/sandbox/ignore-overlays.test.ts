import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
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
