import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import type { StartOne } from './fixtures/start-one.ts';
import { CASES, gone, openRunner, processesWith, type Runner, standsForItsSandbox } from './runner.ts';

const FIXTURE = join(import.meta.dir, 'fixtures', 'greedy');
const MIB = 1024 ** 2;

/** MiB that a folder holds, and files. */
const SIZES: readonly (readonly [string, number])[] = [
  ['/tmp', 1024],
  ['/var/tmp', 1024],
  ['/dev/shm', 64],
];
const FILES: readonly (readonly [string, number])[] = [
  ['/tmp', 131_072],
  ['/var/tmp', 131_072],
  ['/dev/shm', 4096],
];

type Limits = NonNullable<StartOne['limits']>;

describe.each(CASES)('a greedy server in $sandbox, started by user $user', ({ sandbox, user }) => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await openRunner(user);
  });
  afterAll(async () => {
    await runner[Symbol.asyncDispose]();
  });

  async function attack(words: readonly (string | number)[], limits: Limits = {}) {
    const ran = await runner.run({
      sandbox,
      command: ['node', '/attack/greedy.js', ...words.map(String)],
      env: { BUN_BE_BUN: '1' },
      mounts: [{ source: FIXTURE, target: '/attack', readOnly: true }],
      profile: { network: { outbound: {} } },
      limits,
    });
    const said = ran.stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    return { ...ran, said, last: said.at(-1) };
  }

  test.each(['/', '/dev', '/etc', '/usr', '/opt', '/var'])('writes nothing to %s', async (folder) => {
    const { last } = await attack(['fill', folder, 1]);
    expect(last).toEqual({ written: 0, stopped: expect.stringMatching(/^E(?:ROFS|ACCES)$/) });
  });

  test('is ended when it takes more memory than it may', async () => {
    const { last, stderr } = await attack(['memory', 1000], { memoryBytes: 200 * MIB });
    expect(stderr).toContain('reached memory');
    expect(last.taken).toBeLessThan(500);
  }, 60_000);

  test('is ended when its processes together do', async () => {
    const { said, stderr } = await attack(['memoryOfMany', 4, 160], { memoryBytes: 300 * MIB });
    expect(stderr).toContain('reached memory');
    expect(said.length).toBeLessThan((4 * 160) / 8);
  }, 60_000);

  test('keeps what it may take', async () => {
    const { last, stderr } = await attack(['memory', 64], { memoryBytes: 400 * MIB });
    expect(last).toEqual({ kept: 8 });
    expect(stderr).not.toContain('reached');
  }, 60_000);

  test('starts no more processes than it may, whether they leave it or not', async () => {
    const { last, stderr } = await attack(['forks', 300], { processes: 100 });
    expect(last.started).toBeLessThan(100);
    if (!stderr.includes('reached processes')) expect(last.refused).toBeGreaterThan(200);
  }, 60_000);

  test('cannot multiply without end', async () => {
    const seconds = `20.${Math.floor(Math.random() * 1e9)}`;
    const running = attack(['bomb', 10, seconds], { processes: 100 });
    let most = 0;
    const looking = setInterval(async () => {
      most = Math.max(most, (await processesWith(`sleep\0${seconds}`)).length);
    }, 100);
    await running;
    clearInterval(looking);
    expect(most).toBeLessThan(100);
    await gone(`sleep\0${seconds}`);
  }, 60_000);

  test('computes no more than it may where that can be held, and it is said where not', async () => {
    const { last, stderr } = await attack(['processors', 4], { cpus: 0.3 });
    if (stderr.includes('"cpus":"control group"')) expect(last.processors).toBeLessThan(0.5);
    else expect(stderr).toContain('WARN processors are not limited: no control group can be made here');
    // Root of a machine with control groups of its own has no excuse.
    if (user === 'self' && process.getuid?.() === 0) expect(stderr).toContain('control group');
  }, 60_000);

  test('leaves no control group behind', async () => {
    const { pid } = await attack(['memory', 8], { memoryBytes: 200 * MIB, processes: 200, cpus: 1 });
    expect(await groupsOf(pid)).toEqual([]);
  }, 60_000);

  test('leaves none that the next start does not take away, when the one who started it is killed', async () => {
    const { command, env } = runner.commandFor({
      sandbox,
      command: ['sleep', '60'],
      profile: { network: { outbound: {} } },
      limits: { memoryBytes: 200 * MIB, processes: 200 },
    });
    const starter = Bun.spawn([...command], { env, stdio: ['pipe', 'ignore', 'pipe'] });
    for await (const chunk of starter.stderr) if (new TextDecoder().decode(chunk).includes('started')) break;
    if (user === 'self' && process.getuid?.() === 0) expect(await groupsOf(starter.pid)).not.toEqual([]);
    starter.kill('SIGKILL');
    await starter.exited;
    await waitFor(
      async () => {
        await attack(['memory', 8], { memoryBytes: 200 * MIB, processes: 200 });
        return await groupsOf(starter.pid);
      },
      (left) => left.length === 0,
      { what: 'the groups are gone', deadlineMs: 20_000 },
    );
  }, 60_000);

  // All three are mounted alike. Filling the large ones is most of the work of this file, so one user does that.
  const isFilled = ([folder]: readonly [string, number]) =>
    folder === '/dev/shm' || standsForItsSandbox({ sandbox, user });

  test.each(SIZES.filter(isFilled))(
    'gets no more into %s than %p MiB',
    async (folder, size) => {
      const { last } = await attack(['fill', folder, size + 64]);
      expect(last).toEqual({ written: expect.any(Number), stopped: 'ENOSPC' });
      expect(last.written).toBeLessThanOrEqual(size);
      expect(last.written).toBeGreaterThan(size - 8);
    },
    60_000,
  );

  test.each(FILES.filter(isFilled))(
    'makes no more files in %s than %p',
    async (folder, files) => {
      const { last } = await attack(['files', folder, files + 1000]);
      expect(last).toEqual({ made: expect.any(Number), stopped: 'ENOSPC' });
      expect(last.made).toBeLessThanOrEqual(files);
    },
    60_000,
  );
});

/** Control groups that this process made. */
async function groupsOf(pid: number): Promise<readonly string[]> {
  const found = await Bun.$`find /sys/fs/cgroup -type d -name ${`thv-${pid}-*`}`.nothrow().quiet().text();
  return found.split('\n').filter((path) => path !== '');
}
