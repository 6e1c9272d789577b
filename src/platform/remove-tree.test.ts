import { afterEach, beforeEach, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftovers, removeTree } from './remove-tree.ts';

let base: string;
const tree = () => join(base, 'tree');
const make = (script: string) => execFileSync('sh', ['-c', script], { cwd: base, stdio: 'ignore' });

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'thv-remove-'));
  writeFileSync(join(base, 'outside'), 'mine');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

// Made by programs of the machine: what a server may make, the runtime here has no names for.
const ROWS: readonly (readonly [string, string])[] = [
  ['nothing', ':'],
  ['a file', 'echo x >tree'],
  ['an empty folder', 'mkdir tree'],
  [
    'folders without rights',
    'mkdir -p tree/a/b/c; touch tree/a/b/f; chmod 0 tree/a/b/c tree/a/b tree/a tree',
  ],
  ['folders that can be read only', 'mkdir -p tree/a/b; touch tree/a/f; chmod 500 tree/a/b tree/a tree'],
  ['a link in its place', 'ln -s outside tree'],
  [
    'links that point out, at themselves, and nowhere',
    'mkdir tree; cd tree; ln -s ../outside a; ln -s . b; ln -s c c; ln -s /no d; ln -s / e',
  ],
  ['a FIFO', 'mkdir tree; mkfifo tree/pipe'],
  [
    'names of 255 bytes, with line ends and options',
    `mkdir tree; cd tree; touch "$(printf '%0255d' 0)" 'a
b' -- -rf; mkdir ' '`,
  ],
  [
    'names that are no text',
    `mkdir tree; touch "$(printf 'tree/\\377\\376')"; mkdir "$(printf 'tree/\\300\\200')"`,
  ],
  [
    'forty folders of fifty files',
    'mkdir tree; cd tree; for i in $(seq 40); do mkdir $i; (cd $i; touch $(seq 50)); done',
  ],
];
test.if(process.platform !== 'win32').each(ROWS)('%s is removed, and nothing else', async (_, script) => {
  make(script);
  await removeTree(tree());
  expect(readdirSync(base)).toEqual(['outside']);
  expect(readFileSync(join(base, 'outside'), 'utf8')).toBe('mine');
});

test('three thousand nested folders, whose path no call takes, are removed in seconds', async () => {
  // From the innermost outwards: no path is long.
  mkdirSync(tree());
  writeFileSync(join(tree(), 'file'), '');
  for (let depth = 0; depth < 3000; depth++) {
    mkdirSync(join(base, 'outer'));
    renameSync(tree(), join(base, 'outer', 'd'.repeat(60)));
    renameSync(join(base, 'outer'), tree());
  }
  const start = performance.now();
  await removeTree(tree());
  expect(performance.now() - start).toBeLessThan(15_000);
  expect(readdirSync(base)).toEqual(['outside']);
}, 60_000);

test('what is written to while it is removed is removed', async () => {
  mkdirSync(tree());
  const writer = Bun.spawn(
    [
      'sh',
      '-c',
      'cd tree; echo; i=0; while [ $i -lt 3000 ]; do mkdir -p $i/a/b; echo x >$i/f; i=$((i+1)); done',
    ],
    { cwd: base, stdout: 'pipe', stderr: 'ignore' },
  );
  await writer.stdout.getReader().read();
  // It may win a few times, where it writes into what is just emptied.
  for (let round = 0; existsSync(tree()) || readdirSync(base).length > 1; round++) {
    expect(round).toBeLessThan(100);
    await removeTree(tree()).catch(() => undefined);
    await removeLeftovers(base);
  }
  writer.kill();
  await writer.exited;
});

test('after its time is up it says where the rest is, and the next removal takes that', async () => {
  make('mkdir tree; cd tree; for i in $(seq 5); do mkdir $i; (cd $i; touch $(seq 500)); done');
  const error = await removeTree(tree(), { timeoutMs: 0 }).catch((reason: unknown) => reason);
  const [left] = readdirSync(base).filter((name) => name.startsWith('.removed-'));
  expect(existsSync(tree())).toBe(false);
  expect(error).toMatchObject({
    code: 'ERR_REMOVAL_FAILED',
    message:
      `failed to remove ${tree()}: not done after 0 seconds; what is left of it is in ${join(base, left ?? '')}. ` +
      `Hint: remove it as root: rm -rf '${join(base, left ?? '')}'`,
  });
  await removeLeftovers(base);
  expect(readdirSync(base)).toEqual(['outside']);
});

test('it ends when it is interrupted', async () => {
  make('mkdir tree; cd tree; for i in $(seq 5); do mkdir $i; (cd $i; touch $(seq 500)); done');
  const error = await removeTree(tree(), { signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'ERR_REMOVAL_FAILED',
    message: expect.stringContaining(': interrupted;'),
  });
});
