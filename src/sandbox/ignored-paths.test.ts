import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findIgnored, readIgnoreFile } from './ignored-paths.ts';

let base: string;
let folder: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'thv-ignored-'));
  folder = join(base, 'project');
  const files = [
    ...[
      '.env',
      '.env.local',
      '[abc',
      '!keep',
      'a.key',
      'ünïcode key',
      'src/a.key',
      'src/.env',
      'src/deep/b.key',
    ],
    ...['secrets/one', 'secrets/two/three', 'target/real'],
  ];
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), 'secret');
  }
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'outside', 'x.key'), 'secret');
  symlinkSync('../outside', join(folder, 'way-out'));
  symlinkSync('../outside/x.key', join(folder, 'out.key'));
  symlinkSync('target/real', join(folder, 'link'));
  symlinkSync('target', join(folder, 'linked-folder'));
  symlinkSync('nowhere', join(folder, 'dangling'));
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('.', join(folder, 'self'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const FOLDER = (path: string) => ({ path, isFolder: true });
const FILE = (path: string) => ({ path, isFolder: false });

test.each([
  ['a file of the folder, not those of the same name further down', ['.env'], [FILE('.env')]],
  ['a folder without a slash', ['secrets'], [FOLDER('secrets')]],
  ['a folder with a slash', ['secrets/'], [FOLDER('secrets')]],
  ['a slash at the end is for folders only', ['.env/'], []],
  ['no wildcards before a slash at the end', ['sec*/'], []],
  ['a slash in front means nothing', ['/.env', './a.key'], [FILE('.env'), FILE('a.key')]],
  ['stars stand for leading dots too', ['*env*'], [FILE('.env'), FILE('.env.local')]],
  ['stars do not cross a slash', ['src/*.key'], [FILE('src/a.key')]],
  ['wildcards in every part', ['s*/*/?.key'], [FILE('src/deep/b.key')]],
  ['two stars are one', ['**/a.key'], [FILE('src/a.key')]],
  ['what is spelled like that, before wildcards', ['[abc'], [FILE('[abc')]],
  ['a malformed pattern names nothing', ['[xyz'], []],
  [
    'no negation: the exclamation mark is part of a name',
    ['.env', '!.env', '!keep'],
    [FILE('!keep'), FILE('.env')],
  ],
  ['blanks and letters beyond ASCII', ['ünïcode key'], [FILE('ünïcode key')]],
  ['nothing twice', ['.env', '.e*v', './.env'], [FILE('.env')]],
  ['nothing inside a folder that is named', ['secrets/one', 'secrets/two/', 'secrets/'], [FOLDER('secrets')]],
  ['what does not exist', ['nothing', 'nothing/at/*', '.env/x', 'a.key/*'], []],
  ['never the folder itself', ['.', './', '/', 'self', 'self/'], []],
  ['nothing above it', ['..', '../outside', 'src/../../outside', '../*/x.key'], []],
  ['a link is what it leads to', ['link'], [FILE('target/real')]],
  ['a link to a folder', ['linked-folder/'], [FOLDER('target')]],
  ['by way of a link', ['linked-folder/re*'], [FILE('target/real')]],
  ['no link that leads out', ['way-out', 'out.key', 'way-out/x.key', 'way-out/*', 'out.*'], []],
  ['no link that leads nowhere', ['dangling', 'loop', 'loop/x', 'l?op'], []],
  ['no patterns', [], []],
  ['a name longer than names can be', ['x'.repeat(5000)], []],
] as const)('%s', async (_, patterns, expected) => {
  expect(await findIgnored(folder, patterns)).toEqual([...expected]);
});

test('more than can be hidden is refused, for the rest would be seen', async () => {
  const many = join(base, 'many');
  mkdirSync(many);
  for (let index = 0; index <= 1000; index++) writeFileSync(join(many, `${index}.key`), '');
  await expect(findIgnored(many, ['*.key'])).rejects.toThrow(
    `failed to hide what an ignore file names in ${many}: more than 1000 paths are to be hidden`,
  );
  expect(await findIgnored(base, ['many/'])).toEqual([FOLDER('many')]);
});

test.skipIf(process.getuid?.() === 0)('a folder that cannot be looked into is refused', async () => {
  const closed = join(base, 'closed');
  mkdirSync(closed, { mode: 0o000 });
  await expect(await findIgnored(base, ['closed/*.key'])).rejects.toThrow(
    `ignore file names in ${closed}: EACCES`,
  );
  chmodSync(closed, 0o700);
});

test('an ignore file: lines are trimmed, empty ones and comments skipped', async () => {
  const file = join(base, 'ignore');
  writeFileSync(file, '\uFEFF# comment\r\n\r\n  .env  \r\n  # indented\n\tsecrets/\n#\n*.key');
  expect(await readIgnoreFile(file)).toEqual(['.env', 'secrets/', '*.key']);
});

test('an ignore file that is missing is no news, one that cannot be read is an error', async () => {
  expect(await readIgnoreFile(join(base, 'none'))).toEqual([]);
  await expect(readIgnoreFile(base)).rejects.toThrow(
    `failed to hide what an ignore file names in ${base}: it is no file`,
  );
});

test.skipIf(process.platform === 'win32')(
  'a pipe or a device in place of an ignore file is not waited for',
  async () => {
    Bun.spawnSync(['mkfifo', join(base, 'pipe')]);
    symlinkSync('/dev/zero', join(base, 'endless'));
    for (const name of ['pipe', 'endless'])
      await expect(readIgnoreFile(join(base, name))).rejects.toThrow('it is no file');
  },
);
