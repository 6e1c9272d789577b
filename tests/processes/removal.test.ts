import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';
import { CASES, SANDBOXES } from './runner.ts';

const FIXTURE = join(import.meta.dir, 'fixtures', 'attacks', 'untidy');
/** No record of users knows it. */
const NUMBER = 12_345;
const TREES = [
  'folders without rights',
  'three thousand nested folders',
  'links that point out, pipes, sockets, and names of any bytes',
  'a process that goes on writing',
];
const FLAGS = ['--runtime', 'process', '--transport', 'stdio', '--permission-profile', 'none'];

interface Place extends AsyncDisposable {
  readonly world: World;
  /** Commands of the user. */
  thv(args: readonly string[], env?: Record<string, string>): ReturnType<World['thv']>;
  readonly work: (name: string) => string;
}

async function openPlace(sandbox: string, user: string): Promise<Place> {
  const world = await openWorld(undefined, { env: { TOOLHIVE_SANDBOX: sandbox } });
  await cp(FIXTURE, join(world.work, 'untidy'), { recursive: true });
  await writeFile(join(world.folder, 'outside'), 'mine');
  const program = join(world.folder, 'thv');
  await copyFile(BINARY, program);
  let executable = program;
  if (user === 'ordinary') {
    executable = join(world.folder, 'as-user');
    const become = `setpriv --reuid ${NUMBER} --regid ${NUMBER} --groups 4,70000`;
    await writeFile(executable, `#!/bin/sh\nexec ${become} -- ${program} "$@"\n`);
    await chmod(executable, 0o755);
    await Bun.$`chown -R ${NUMBER}:${NUMBER} ${world.folder}`.quiet();
    // The suite's folders for worlds are root's alone.
    const worlds = process.env['THV_TEST_WORLDS'];
    if (worlds !== undefined) for (const path of [worlds, dirname(worlds)]) await chmod(path, 0o711);
  }
  return {
    world,
    thv: (args, env = {}) => world.thv(args, { executable, env, timeoutMs: 120_000 }),
    work: (name) => join(world.data, 'processes', name, 'work'),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

describe.each([...CASES])('removal in $sandbox, by user $user', ({ sandbox, user }) => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace(sandbox, user);
  });
  afterAll(() => place[Symbol.asyncDispose]());

  /** Runs the server, and waits until its tree is made. Gives what it found in its work folder. */
  async function run(name: string, tree: string): Promise<unknown> {
    const { world, thv, work } = place;
    const variables = ['-e', `TREE=${tree}`, '-e', `OUTSIDE=${join(world.folder, 'outside')}`];
    const ran = await thv(['run', './untidy', '--name', name, ...FLAGS, ...variables]);
    expect(ran).toMatchObject({ exitCode: 0 });
    const made = join(work(name), 'made');
    await waitFor(
      () => existsSync(made) && readFileSync(made, 'utf8') !== '',
      (isThere) => isThere,
      { what: `${made} is there`, deadlineMs: 60_000 },
    );
    return JSON.parse(readFileSync(made, 'utf8'));
  }

  test.each(TREES)(
    'takes away %s, and the next workload of that name begins with nothing',
    async (tree) => {
      const { world, thv } = place;
      const name = world.name('tree');
      expect(await run(name, tree)).toEqual([]);
      const start = performance.now();
      expect(await thv(['rm', name])).toMatchObject({ exitCode: 0, stderr: '' });
      expect(performance.now() - start).toBeLessThan(30_000);
      expect(readdirSync(join(world.data, 'processes'))).toEqual([]);
      expect(readFileSync(join(world.folder, 'outside'), 'utf8')).toBe('mine');
      expect(await run(name, 'none')).toEqual([]);
      await thv(['rm', name]);
    },
    180_000,
  );

  test('what a workload left that is gone otherwise is not the next one’s', async () => {
    const { world, thv, work } = place;
    const name = world.name('stray');
    await mkdir(join(work(name), 'old', 'dark'), { recursive: true });
    await chmod(join(work(name), 'old', 'dark'), 0);
    if (user === 'ordinary') await Bun.$`chown -R ${NUMBER}:${NUMBER} ${world.data}`.quiet();
    expect(await run(name, 'none')).toEqual([]);
    await thv(['rm', name]);
    expect(readdirSync(join(world.data, 'processes'))).toEqual([]);
  });

  test.if(user === 'ordinary')('a user without a home folder is told what to set', async () => {
    const { exitCode, stderr } = await place.thv(['list'], { HOME: '' });
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `Error: no home folder: HOME is not set, and the system has no record of this user (${NUMBER}). Hint: set HOME to a folder that this user may write to\n`,
    );
  });
});

const canFix = process.getuid?.() === 0 && Bun.which('chattr') !== null;
test.if(canFix && SANDBOXES.length > 0)(
  'what cannot be removed is told with its place, and does not come back with the next workload of that name',
  async () => {
    await using place = await openPlace(SANDBOXES[0] ?? '', 'self');
    const { world, thv, work } = place;
    const name = world.name('fixed');
    const run = () => thv(['run', './untidy', '--name', name, ...FLAGS, '-e', 'TREE=none']);
    await run();
    await waitFor(
      () => existsSync(join(work(name), 'made')),
      (isThere) => isThere,
      { what: 'it runs' },
    );
    await mkdir(join(work(name), 'kept'));
    await writeFile(join(work(name), 'kept', 'file'), '');
    await Bun.$`chattr +i ${join(work(name), 'kept', 'file')}`.quiet();
    try {
      const { exitCode, stderr } = await thv(['rm', name]);
      const [left = ''] = readdirSync(join(world.data, 'processes'));
      const place = join(world.data, 'processes', left);
      expect(left).toStartWith('.removed-');
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringMatching(
          new RegExp(
            `failed to remove .*/${name}: EPERM.*; what is left of it is in ${place}. Hint: remove it as root: rm -rf '${place}'`,
          ),
        ),
      });
      const listed = await thv(['list', '--all'], { TOOLHIVE_RUNTIME: 'process' });
      expect(listed.stdout).toBe('No MCP servers found\n');
      expect(await run()).toMatchObject({ exitCode: 0 });
      await waitFor(
        () => existsSync(join(work(name), 'made')) && readFileSync(join(work(name), 'made'), 'utf8'),
        (found) => found === '[]',
        { what: 'it found nothing' },
      );
    } finally {
      await Bun.$`chattr -R -i ${join(world.data, 'processes')}`.quiet();
    }
    expect(await thv(['rm', name])).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(world.data, 'processes'))).toEqual([]);
  },
);
