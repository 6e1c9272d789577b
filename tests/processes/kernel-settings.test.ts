import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import { CASES, openRunner, processesWith, type Runner } from './runner.ts';

/** What sets the kernel, one of each kind; not every machine has all of them. */
const SETTINGS = [
  '/proc/sys/vm/stat_interval',
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/fs/binfmt_misc/register',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/proc/bus/pci/00',
  '/proc/fs/ext4',
  '/proc/acpi/wakeup',
  '/proc/mtrr',
  '/proc/pressure/memory',
  '/proc/dynamic_debug/control',
  '/proc/1/oom_score_adj',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/power/state',
  '/sys/fs/cgroup/cgroup.procs',
];
const HIDDEN = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/key-users',
  '/proc/timer_list',
  '/proc/kmsg',
  '/proc/acpi',
];
const NOT_WRITABLE = expect.stringMatching(/^(?:EROFS|EACCES|EPERM|ENOENT|EISDIR)$/);
const NUMBER = '/proc/sys/vm/stat_interval';
const ATTACK = join(import.meta.dir, 'fixtures', 'attacks', 'kernel-settings.js');
const isRoot = process.getuid?.() === 0;

describe.each([...CASES])('kernel settings in $sandbox, started by user $user', ({ sandbox, user }) => {
  let runner: Runner;
  let before: string;
  beforeAll(async () => {
    runner = await openRunner(user);
    for (const name of ['attack', 'read', 'write']) await mkdir(join(runner.folder, name));
    await copyFile(ATTACK, join(runner.folder, 'attack', 'attack.js'));
    for (const name of ['read', 'write']) {
      const path = join(runner.folder, name, 'only-root');
      await writeFile(path, 'granted');
      await chmod(path, 0o600);
    }
    if (user === 'ordinary') await Bun.$`chown -R 65534:65534 ${runner.folder}`.quiet();
    before = await readFile(NUMBER, 'utf8');
  });
  afterAll(async () => {
    if (isRoot) await writeFile(NUMBER, before);
    await runner[Symbol.asyncDispose]();
  });

  const order = (more: readonly { source: string; target: string; readOnly: boolean }[], stay = '') => ({
    sandbox,
    command: ['/opt/thv/bin/bun', '/attack/attack.js'],
    env: {
      BUN_BE_BUN: '1',
      STAY: stay,
      TARGETS: JSON.stringify({ settings: SETTINGS, hidden: HIDDEN, number: String(Number(before) + 1) }),
    },
    mounts: [
      { source: join(runner.folder, 'attack'), target: '/attack', readOnly: true },
      { source: join(runner.folder, 'read'), target: '/granted/read', readOnly: true },
      { source: join(runner.folder, 'write'), target: '/granted/write', readOnly: false },
      ...more,
    ],
    profile: { network: { outbound: {} } },
  });

  const expected = {
    ...Object.fromEntries(SETTINGS.map((path) => [`open ${path}`, NOT_WRITABLE])),
    ...Object.fromEntries(
      HIDDEN.map((path) => [`see ${path}`, expect.stringMatching(/^(?:nothing|ENOENT|EACCES)$/)]),
    ),
    'set /proc/sys/vm/stat_interval': NOT_WRITABLE,
    'set /granted/proc/sys/vm/stat_interval': NOT_WRITABLE,
    'set /granted/root/proc/sys/vm/stat_interval': NOT_WRITABLE,
    'make /proc writable again': 'refused',
    'mount another /proc': 'refused',
    'take away what hides': 'refused',
    'make a device': 'refused',
    'make a disk': 'refused',
    'open ports of the machine': 'ENOENT',
    'open its memory': 'ENOENT',
    'change the owner of a file': 'refused',
    'see devices': expect.stringMatching(
      /^(?:console )?(?:core )?fd full null ptmx pts random shm stderr stdin stdout tty urandom zero$/,
    ),
    capabilities: 'CapInh: none,CapPrm: none,CapEff: none,CapBnd: none,CapAmb: none',
    'read what only root may': 'granted',
    'write what only root may': 'done',
    'make a file': 'done',
    'make a file at home': 'done',
  };

  test('nothing of the kernel can be set or seen, and what is granted can be used', async () => {
    const ran = await runner.run(order([]));
    expect(ran.stderr).toContain('ended 0');
    expect(JSON.parse(ran.stdout)).toEqual(expected);
    expect(await readFile(NUMBER, 'utf8')).toBe(before);
    expect(await readFile(join(runner.folder, 'write', 'only-root'), 'utf8')).toBe('by the server');
    // Files that it makes belong to the user who started it.
    const owner = user === 'self' ? process.getuid?.() : 65_534;
    expect(statSync(join(runner.folder, 'write', 'made')).uid).toBe(owner ?? -1);
  });

  test('/proc and /sys that a profile grants can be read, not written to', async () => {
    const grants = ['proc', 'sys'].map((name) => ({
      source: `/${name}`,
      target: `/granted/${name}`,
      readOnly: false,
    }));
    const ran = await runner.run(order(grants));
    expect(JSON.parse(ran.stdout)).toEqual(expected);
    expect(await readFile(NUMBER, 'utf8')).toBe(before);
  });

  test('nor can they in all of the machine’s files, granted for writing', async () => {
    const ran = await runner.run(order([{ source: '/', target: '/granted/root', readOnly: false }]));
    expect(JSON.parse(ran.stdout)).toEqual(expected);
    expect(await readFile(NUMBER, 'utf8')).toBe(before);
  });

  test('no process of it has root’s number on this machine', async () => {
    const seconds = String(100_000 + Math.floor(Math.random() * 800_000));
    const { command, env } = runner.commandFor(order([], seconds));
    const child = Bun.spawn([...command], { env, stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' });
    const [found = ''] = await waitFor(
      () => processesWith(`sleep\0${seconds}`),
      (lines) => lines.length > 0,
      { what: 'it runs' },
    );
    const status = await readFile(`/proc/${found.split(' ')[0]}/status`, 'utf8');
    expect(status).not.toMatch(/^(?:Uid|Gid):.*\t0\b/m);
    expect(status).toMatch(/^Groups:\s*(?:65534|2000190064)?\s*$/m);
    child.kill('SIGTERM');
    await child.exited;
  });

  test.if(isRoot && user === 'self' && Bun.which('setpriv') !== null)(
    'a root who may not mount, as in containers, starts it with its own number and the rest in force',
    async () => {
      const { command, env } = runner.commandFor(order([]));
      const weak = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin', '--'];
      const child = Bun.spawn([...weak, ...command], { env, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect(stderr).toMatch(/^WARN the process keeps the number of root .*operation not permitted"}$/m);
      expect(JSON.parse(stdout)).toEqual(expected);
      expect(await readFile(NUMBER, 'utf8')).toBe(before);
    },
  );

  // An overlay file system, as containers have it, cannot be shown to another user.
  test.if(isRoot && user === 'self' && existsSync('/proc/self/ns/mnt'))(
    'where a granted folder cannot be shown to another user it keeps root’s number, and says so',
    async () => {
      const layers = join(runner.folder, 'layers');
      await Bun.$`mkdir -p ${layers}/lower ${layers}/upper ${layers}/work ${layers}/merged && mount -t tmpfs none ${layers}/upper && mkdir ${layers}/upper/u ${layers}/upper/w && mount -t overlay overlay -o lowerdir=${layers}/lower,upperdir=${layers}/upper/u,workdir=${layers}/upper/w ${layers}/merged`.quiet();
      try {
        const grant = { source: join(layers, 'merged'), target: '/granted/merged', readOnly: false };
        const ran = await runner.run(order([grant]));
        expect(JSON.parse(ran.stdout)).toEqual(expected);
        expect(ran.stderr).toContain(
          `WARN the process keeps the number of root {"reason":"${layers}/merged is on a file system (overlay) that cannot be shown to another user"}`,
        );
        const everything = await runner.run(
          order([grant, { source: '/', target: '/granted/root', readOnly: false }]),
        );
        expect(everything.stderr).toContain(
          'failed: / cannot be mounted at /granted/root for writing: settings of the kernel are in it, at /',
        );
        expect(await readFile(NUMBER, 'utf8')).toBe(before);
      } finally {
        await Bun.$`umount ${layers}/merged ${layers}/upper`.quiet();
      }
    },
  );
});

// What shows that the try-out would have noticed.
test.if(isRoot)('the try-out finds fault with a sandbox in which a setting can be written to', async () => {
  await using runner = await openRunner('self');
  const network = { port: 1, addresses: [], abstract: 'no-such', isOpen: false };
  const bait = {
    file: '/no/such',
    folders: [],
    settings: SETTINGS,
    ...network,
    sizes: { '/': { bytes: 1, files: 1 } },
  };
  const probe = Bun.spawnSync([runner.executable, '__sandbox', 'probe', JSON.stringify(bait)]);
  const { breaches, weaknesses } = JSON.parse(probe.stdout.toString());
  expect(weaknesses).toEqual([
    'the size of /, which is in memory, is not limited',
    'the number of files in /, which is in memory, is not limited',
  ]);
  for (const path of SETTINGS.filter((each) => existsSync(each) && !statSync(each).isDirectory())) {
    if (!path.startsWith('/sys')) expect(breaches).toContain(`${path} can be written to`);
  }
  expect(breaches).toContain('it has capabilities');
});
