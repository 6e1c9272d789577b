import { describe, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { runInside } from '../harness/run-inside.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { SANDBOXES } from '../processes/runner.ts';

const MIB = 1024 ** 2;
/** Registry settings of this machine, for a world with a home of its own. */
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^npm_config_/i.test(entry[0]),
  ),
);

/** Where either version of control groups is seen from inside. */
const LOOK = `
const fs = require('node:fs');
const read = (...paths) => paths.flatMap((path) => { try { return [fs.readFileSync('/sys/fs/cgroup/' + path, 'utf8').trim()]; } catch { return []; } })[0];
const { blocks, bsize } = fs.statfsSync('/dev/shm');
console.log(JSON.stringify({
  memory: read('memory.max', 'memory/memory.limit_in_bytes'),
  pids: read('pids.max', 'pids/pids.max'),
  shared: blocks * bsize,
}));`;
/** Loaded into the server: after a while it takes all the memory that it can get. */
const EAT =
  'const kept = []; setTimeout(() => setInterval(() => kept.push(Buffer.alloc(8388608, 1)), 10), 3000);';

onEachEngine((engine) => {
  async function inspect(name: string) {
    const details = await engine.inspect(name);
    if (details === undefined) throw new Error(`no container ${name}`);
    return details;
  }

  const run = async (world: World, name: string, flags: readonly string[]) => {
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', ...flags, '--', 'echo']);
    await world.reached(name);
  };

  test('a container has the limits that were asked for, in the engine, in its status and in its document', async () => {
    await using world = await openWorld(engine);
    const name = world.name('limited');
    await run(world, name, ['--memory', '256m', '--cpus', '0.5', '--pids', '100']);
    expect((await inspect(name)).HostConfig).toMatchObject({
      Memory: 256 * MIB,
      MemorySwap: 256 * MIB,
      NanoCpus: 500_000_000,
      PidsLimit: 100,
      ShmSize: 64 * MIB,
    });
    expect(await world.ok(['status', name])).toMatch(
      /^Limits: +memory 256m \(container engine\), cpus 0\.5 \(container engine\), pids 100 \(container engine\)$/m,
    );
    expect(await runInside(engine, name, ['/bin/node', '-e', LOOK])).toEqual({
      memory: String(256 * MIB),
      pids: '100',
      shared: 64 * MIB,
    });
    const file = join(world.data, 'exported.json');
    await world.ok(['export', name, file]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      resource_limits: { memory: '256m', cpus: 0.5, pids: 100 },
    });
    await world.ok(['rm', name]);
    await world.ok(['run', '--from-config', file]);
    await world.reached(name);
    expect((await inspect(name)).HostConfig).toMatchObject({ Memory: 256 * MIB, PidsLimit: 100 });
  });

  test('without flags it has the defaults, and unlimited takes them away', async () => {
    await using world = await openWorld(engine);
    const [plain, free] = [world.name('plain'), world.name('free')];
    await run(world, plain, []);
    const { HostConfig: host } = await inspect(plain);
    expect(host).toMatchObject({ PidsLimit: 2048, NanoCpus: 0 });
    expect(host.Memory).toBeGreaterThan(256 * MIB);
    expect(host.Memory).toBeLessThanOrEqual(4096 * MIB);
    await run(world, free, ['--memory', 'unlimited', '--pids', 'unlimited']);
    const { HostConfig: unlimited } = await inspect(free);
    expect(unlimited.Memory).toBe(0);
    expect(Math.max(0, unlimited.PidsLimit ?? 0)).toBe(0);
  });

  // Podman 4.3 starts it again at once and then answers with the exit code of the new life.
  test.if(engine.kind === 'docker')(
    'a container that is ended at its memory limit says so, and what raises it',
    async () => {
      await using world = await openWorld(engine);
      const name = world.name('eats');
      const attack = join(world.data, 'attack');
      await Bun.$`mkdir -p ${attack}`.quiet();
      await writeFile(join(attack, 'eat.cjs'), EAT);
      const more = ['-v', `${attack}:/attack:ro`, '-e', 'NODE_OPTIONS=--require=/attack/eat.cjs'];
      await run(world, name, ['--memory', '100m', ...more]);
      await waitFor(
        () => world.find(name),
        (found) => JSON.stringify(found).includes('at its memory limit of 100m: --memory raises it'),
        { what: 'the status tells of the limit', deadlineMs: 30_000 },
      );
      await waitFor(
        () => world.ok(['logs', name, '--proxy']),
        (text) => text.includes('at its memory limit of 100m: --memory raises it'),
        { what: 'the log tells of the limit' },
      );
    },
    60_000,
  );

  test('the API takes limits, gives them back, changes them, and refuses what is none', async () => {
    await using world = await openWorld(engine);
    await using api = await startApi(world, [], {});
    const name = world.name('api');
    const body = { name, image: FIXTURE_IMAGE, cmd_arguments: ['echo'], transport: 'stdio' };
    const ask = async (method: 'GET' | 'POST', path: string, sent?: object) => {
      const reply = await api.ask(
        method,
        `/api/v1beta/workloads${path}`,
        sent === undefined ? {} : { body: sent },
      );
      return { status: reply.status, text: reply.text };
    };
    const wrong = await ask('POST', '', { ...body, resource_limits: { memory: 'lots' } });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('is no amount of memory');
    const limits = { memory: '256m', cpus: 0.5, pids: 100 };
    expect(await ask('POST', '', { ...body, resource_limits: limits })).toMatchObject({ status: 201 });
    await world.reached(name);
    expect(JSON.parse((await ask('GET', `/${name}`)).text)).toMatchObject({ resource_limits: limits });
    expect((await inspect(name)).HostConfig).toMatchObject({ Memory: 256 * MIB, PidsLimit: 100 });
    const changed = await ask('POST', `/${name}/edit`, { ...body, resource_limits: { memory: '300m' } });
    expect(changed).toMatchObject({ status: 200 });
    await waitFor(
      async () => (await engine.inspect(name))?.HostConfig.Memory,
      (bytes) => bytes === 300 * MIB,
      { what: 'the container has the new limit', deadlineMs: 30_000 },
    );
  }, 60_000);

  test('a container with the same limits is used again', async () => {
    await using world = await openWorld(engine);
    const name = world.name('again');
    await run(world, name, ['--memory', '256m', '--cpus', '0.5', '--pids', '100']);
    const { Id: id } = await inspect(name);
    await world.ok(['stop', name]);
    await world.ok(['start', name]);
    await world.reached(name);
    expect((await inspect(name)).Id).toBe(id);
  });
});

describe('limits that cannot be', () => {
  test.each([
    [['--memory', 'lots'], 'invalid value for --memory: "lots" is no amount of memory'],
    [['--memory', '-5m'], 'invalid value for --memory: "-5m" is no amount of memory'],
    [['--memory', '1m'], 'invalid value for --memory: 1m cannot be a limit of memory: give between 6m'],
    [['--cpus', 'half'], 'invalid value for --cpus: "half": give a number of processors'],
    [['--cpus', '0.001'], 'invalid value for --cpus: 0.001 cannot be a number of processors'],
    [['--pids', '1.5'], 'invalid value for --pids: 1.5 cannot be a number of processes'],
    [['--pids', 'many'], 'invalid value for --pids: "many": give a number of processes'],
  ])('are refused: %p', async (flags, problem) => {
    await using world = await openWorld(undefined);
    const ran = await world.thv(['run', FIXTURE_IMAGE, ...flags]);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(problem);
  });

  test.each(['--memory=1g', '--cpus=1', '--pids=50'])('are refused for a remote server: %s', async (flag) => {
    await using world = await openWorld(undefined);
    const ran = await world.thv(['run', 'https://mcp.example.com/mcp', '--name', world.name('far'), flag]);
    expect(ran.exitCode).not.toBe(0);
    const name = flag.replace(/=.*/, '');
    expect(ran.stderr).toStartWith(
      `Error: ${name} does not apply to remote servers, for which nothing is run here.`,
    );
  });

  test('are refused for a process that could not come up', async () => {
    await using world = await openWorld(undefined);
    const run = ['run', 'npx://example', '--name', world.name('small'), '--runtime', 'process'];
    const ran = await world.thv([...run, '--memory', '10m']);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain(
      'invalid value for --memory: 10m is less than a process in a sandbox starts with',
    );
    expect(ran.stderr).toContain('give 64m or more');
  });
});

describe.each([...SANDBOXES])('a process in %s', (sandbox) => {
  const server = async (world: World, body: string) => {
    const folder = join(world.data, 'server');
    await Bun.$`mkdir -p ${folder}`.quiet();
    await writeFile(join(folder, 'package.json'), '{"name":"greedy","version":"1.0.0","bin":"server.js"}');
    await writeFile(join(folder, 'server.js'), `#!/usr/bin/env node\n${body}`);
    return folder;
  };

  test('says at which limit it was ended, and what raises that', async () => {
    await using world = await openWorld(undefined, { env: { ...REGISTRY, TOOLHIVE_SANDBOX: sandbox } });
    const folder = await server(
      world,
      'process.stdin.resume(); const kept = []; setTimeout(() => setInterval(() => kept.push(Buffer.alloc(8388608, 1)), 20), 8000);',
    );
    const name = world.name('greedy');
    await world.ok([
      'run',
      folder,
      '--name',
      name,
      '--transport',
      'stdio',
      '--memory',
      '150m',
      '--pids',
      '200',
    ]);
    await world.reached(name);
    const limits =
      'memory 150m \\((?:control group|watch)\\), pids 200 \\((?:control group|resource limit)\\)';
    expect(await world.ok(['status', name])).toMatch(new RegExp(`^Limits: +${limits}$`, 'm'));
    expect(await world.find(name)).toMatchObject({
      limits: { memory: { limit: '150m' }, pids: { limit: 200 } },
    });
    const status = await waitFor(
      () => world.find(name),
      (found) => JSON.stringify(found).includes('memory limit'),
      { what: 'the status tells of the limit', deadlineMs: 30_000 },
    );
    expect(status).toMatchObject({
      status_context: expect.stringContaining('at its memory limit of 150m: --memory raises it'),
    });
    expect(await world.ok(['logs', name, '--proxy'])).toContain(
      'at its memory limit of 150m: --memory raises it',
    );
  }, 90_000);
});
