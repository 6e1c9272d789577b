import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar-stream';
import { contextTar } from './context-tar.ts';
import { imageKey } from './image-key.ts';
import { openLocalProject } from './local-project.ts';

async function folderWith(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'thv-project-'));
  for (const [name, content] of Object.entries(files)) await Bun.write(join(folder, name), content);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const pathsOf = async (project: Awaited<ReturnType<typeof openLocalProject>>) =>
  (await Array.fromAsync(project.entries())).map(({ path, kind }) => (kind === 'folder' ? `${path}/` : path));

describe('openLocalProject', () => {
  test.each([
    ['.', 'm', 'm/.', '.'],
    ['./cmd/x', 'm', 'm/cmd/x', './cmd/x'],
    ['.', 'm/cmd/x', 'm/cmd/x', './cmd/x'],
    ['../m/cmd/x/main.go', 'other', 'm/cmd/x/main.go', './cmd/x/main.go'],
    ['./free', '.', 'free', '.'],
    ['./w/a', '.', 'w/a', './a'],
  ])('%s in %s is %s', async (path, from, _, target) => {
    await using world = await folderWith({
      'm/go.mod': '',
      'm/cmd/x/main.go': '',
      'other/x': '',
      'free/main.go': '',
      'w/go.work': '',
      'w/a/go.mod': '',
    });
    const project = await openLocalProject(path, join(world.folder, from));
    expect(project.target).toBe(target);
    expect((await openLocalProject(join(world.folder, from, path), '/')).target).toBe(target);
  });

  test('a path that does not exist', async () => {
    await expect(openLocalProject('./nowhere', '/')).rejects.toThrow(
      /^source path does not exist: \/nowhere: ENOENT/,
    );
  });

  test.each(['a;b', "a'b", 'a$b', 'a"b', 'a`b', 'a\\b'])('a folder called %s is refused', async (name) => {
    await using world = await folderWith({ 'go.mod': '', [`${name}/main.go`]: '' });
    await expect(openLocalProject(`./${name}`, world.folder)).rejects.toThrow(
      'cannot be the path of a Go package',
    );
  });

  test('what .dockerignore and .thvignore name stays out, as do history, logins and what engines go by', async () => {
    await using world = await folderWith({
      'go.mod': '',
      'main.go': '',
      '.git/HEAD': '',
      '.env': '',
      'sub/.env': '',
      '.npmrc': '',
      'build/out.bin': '',
      'build/keep.txt': '',
      'sub/deep/x.log': '',
      'sub/a.go': '',
      'private.key': '',
      '.dockerignore': '# comment\nbuild/*\n!build/keep.txt\n**/*.log\n',
      '.containerignore': '*.go\n',
      '.thvignore': '*.key\n',
    });
    expect(await pathsOf(await openLocalProject('.', world.folder))).toEqual([
      '.thvignore',
      'build/',
      'build/keep.txt',
      'go.mod',
      'main.go',
      'sub/',
      'sub/a.go',
      'sub/deep/',
    ]);
  });
});

test('what is gone since it was listed is told by its name, with what helps', async () => {
  await using world = await folderWith({ 'a.go': '', 'b.tmp': '' });
  const project = await openLocalProject('.', world.folder);
  const read = async () => {
    for await (const _ of project.entries()) await rm(join(world.folder, 'b.tmp'), { force: true });
  };
  await expect(read()).rejects.toMatchObject({
    code: 'ERR_BUILD_INPUT_INVALID',
    message: expect.stringMatching(
      /^failed to read b\.tmp for the build: ENOENT.*\. Hint: \.dockerignore or /,
    ),
  });
});

test('a file that cannot be read makes no image key', async () => {
  async function* entries() {
    yield { kind: 'file' as const, path: 'gone', source: '/nowhere/x', sizeBytes: 5, mode: 0o644 };
  }
  await expect(imageKey({}, entries())).rejects.toMatchObject({ code: 'ERR_BUILD_INPUT_INVALID' });
});

describe('contextTar', () => {
  test('files, folders and links arrive as they are, large ones in pieces', async () => {
    await using world = await folderWith({
      'go.mod': 'module x\n',
      'big.bin': 'x'.repeat(3_000_000),
      'empty.txt': '',
    });
    await symlink('/nowhere', join(world.folder, 'link'));
    const project = await openLocalProject('.', world.folder);
    const reader = extract();
    const seen: Record<string, unknown> = {};
    reader.on('entry', (header, stream, next) => {
      let size = 0;
      stream.on('data', (bytes) => {
        size += (bytes as Uint8Array).length;
      });
      stream.on('end', () => {
        seen[header.name] = header.type === 'symlink' ? header.linkname : size;
        next();
      });
    });
    let chunks = 0;
    for await (const bytes of contextTar(project.entries())) {
      chunks++;
      reader.write(Buffer.from(bytes));
    }
    reader.end(undefined);
    await new Promise<void>((resolve) => reader.on('finish', resolve));
    expect(seen).toEqual({ 'big.bin': 3_000_000, 'empty.txt': 0, 'go.mod': 9, link: '/nowhere' });
    expect(chunks).toBeGreaterThan(10);
  });

  test('an entry that cannot be read ends the tar with its name', async () => {
    const entries = [
      { kind: 'file' as const, path: 'gone.txt', source: '/nowhere/x', sizeBytes: 5, mode: 0o644 },
    ];
    await expect(Array.fromAsync(contextTar(entries))).rejects.toThrow(/gone\.txt/);
  });

  test('a file that became shorter since it was listed ends the tar, and nothing else', async () => {
    await using world = await folderWith({ log: 'short' });
    const entries = [
      { kind: 'file' as const, path: 'log', source: join(world.folder, 'log'), sizeBytes: 5000, mode: 0o644 },
    ];
    await expect(Array.fromAsync(contextTar(entries))).rejects.toThrow(
      'failed to read log for the build: it became shorter meanwhile',
    );
    await Bun.sleep(0); // an event that nobody hears comes later
  });

  test('a reader that leaves early holds nothing up', async () => {
    await using world = await folderWith({ 'a.bin': 'x'.repeat(5_000_000), 'b.bin': 'y' });
    for await (const _ of contextTar((await openLocalProject('.', world.folder)).entries())) break;
  });
});
