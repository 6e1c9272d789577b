import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Engine, engineRequest } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { SANDBOXES } from '../processes/runner.ts';

const FILES = {
  '.env': 'secret',
  '.thvignore': '# not for servers\n.env\nsecrets/\nsrc/*.key\nlink\n',
  'global.pem': 'secret',
  'open.txt': 'open',
  'secrets/password': 'secret',
  'src/a.key': 'secret',
  'src/.env': 'open, for patterns do not reach further down',
};

/** A folder with something to hide, and a global ignore file. */
async function makeProject(world: World): Promise<string> {
  const project = join(world.work, 'project');
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(project, name)), { recursive: true });
    await writeFile(join(project, name), content);
  }
  await mkdir(join(world.folder, 'config', 'toolhive'), { recursive: true });
  await writeFile(join(world.folder, 'config', 'toolhive', 'thvignore'), '*.pem\n');
  return project;
}

async function expectUntouched(project: string) {
  for (const [name, content] of Object.entries(FILES)) {
    expect([name, await readFile(join(project, name), 'utf8')]).toEqual([name, content]);
  }
}

const overlaysOf = (world: World, name: string) => join(world.state, 'overlays', name);
const logOf = (world: World, name: string) => readFile(join(world.data, 'logs', `${name}.log`), 'utf8');

onEachEngine((engine) => {
  const start = async (world: World, flags: readonly string[], label?: string) => {
    const name = world.name(label);
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', ...flags, '--', 'echo']);
    await world.reached(name);
    return name;
  };
  const inspect = async (name: string) => {
    const details = await engine.inspect(name);
    if (details === undefined) throw new Error(`no container ${name}`);
    return details;
  };
  /** By a program in the container of the server. */
  const inside = (name: string, script: string) => execute(engine, name, ['/bin/node', '-e', script]);
  const read = (name: string) =>
    inside(
      name,
      `const fs = require('fs'), seen = {};
       const walk = (at) => { for (const entry of fs.readdirSync('/data' + at, { withFileTypes: true })) {
         const path = at + '/' + entry.name;
         if (entry.isDirectory()) { seen[path.slice(1) + '/'] = fs.readdirSync('/data' + path).length; walk(path); }
         else seen[path.slice(1)] = fs.readFileSync('/data' + path, 'utf8');
       } };
       walk('');
       console.log(JSON.stringify(seen));`,
    ).then((text) => JSON.parse(text));

  test('a server sees nothing of what is ignored, the rest as it is, and this machine’s files stay as they are', async () => {
    await using world = await openWorld(engine);
    const project = await makeProject(world);
    const name = await start(world, ['-v', 'project:/data', '--print-resolved-overlays']);
    expect(await read(name)).toEqual({
      '.env': '',
      '.thvignore': FILES['.thvignore'],
      'global.pem': '',
      'open.txt': 'open',
      'secrets/': 0,
      'src/': 2,
      'src/.env': FILES['src/.env'],
      'src/a.key': '',
    });
    const { Mounts } = await inspect(name);
    expect(Mounts.map(({ Type }) => Type as string)).toEqual(['bind', 'bind', 'bind', 'bind', 'bind']);

    const attempt = (path: string) =>
      inside(
        name,
        `try { require('fs').writeFileSync('/data/${path}', 'new') } catch (e) { console.log(e.code) }`,
      );
    expect((await attempt('.env')).trim()).toBe('EROFS');
    expect((await attempt('secrets/own')).trim()).toBe('');
    expect(await inside(name, `console.log(require('fs').readdirSync('/data/secrets').join())`)).toContain(
      'own',
    );
    expect(existsSync(join(project, 'secrets', 'own'))).toBe(false);
    await expectUntouched(project);

    const log = await logOf(world, name);
    expect(log.match(/"Resolved overlays for mount".*/g)).toHaveLength(1);
    const printed = log
      .split('\n')
      .filter((line) => line.includes('"Overlay mount"'))
      .map((line) => JSON.parse(line));
    expect(printed.map(({ containerPath }) => containerPath)).toEqual([
      '/data/.env',
      '/data/global.pem',
      '/data/secrets',
      '/data/src/a.key',
    ]);
    for (const { hostPath } of printed) expect(hostPath).toStartWith(overlaysOf(world, name));

    await world.ok(['rm', name]);
    expect(existsSync(overlaysOf(world, name))).toBe(false);
    await expectUntouched(project);
  });

  test('a container is used again as long as the same is hidden, and made anew for what came since', async () => {
    await using world = await openWorld(engine);
    const project = await makeProject(world);
    const name = await start(world, ['-v', 'project:/data']);
    const { Id } = await inspect(name);
    const again = async () => {
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      return (await inspect(name)).Id;
    };
    expect(await again()).toBe(Id);
    await writeFile(join(project, 'late.pem'), 'secret');
    expect(await again()).not.toBe(Id);
    expect(await read(name)).toMatchObject({ '.env': '', 'late.pem': '', 'open.txt': 'open' });
  });

  test('a server that deletes the ignore file and moves what is hidden sees no more of it when it starts again', async () => {
    await using world = await openWorld(engine);
    const project = await makeProject(world);
    const name = await start(world, ['-v', 'project:/data']);
    const { Id } = await inspect(name);
    const refused = await inside(
      name,
      `const fs = require('fs');
       for (const act of [() => fs.unlinkSync('/data/.env'), () => fs.renameSync('/data/.env', '/data/env')])
         try { act(); console.log('done') } catch (e) { console.log(e.code) }
       fs.unlinkSync('/data/.thvignore');
       fs.renameSync('/data/src', '/data/moved');`,
    );
    expect(refused.trim().split(/\s+/)).toEqual(['EBUSY', 'EBUSY']);
    await writeFile(join(project, 'late.pem'), 'secret');
    await engine.kill(name);
    await waitFor(
      async () => (await engine.inspect(name))?.Id,
      (id) => id !== undefined && id !== Id,
      { what: 'another container' },
    );
    await world.reached(name);
    expect(await read(name)).toEqual({
      '.env': '',
      'global.pem': '',
      'late.pem': '',
      'moved/': 2,
      'moved/.env': FILES['src/.env'],
      'moved/a.key': '',
      'open.txt': 'open',
      'secrets/': 0,
    });
  });

  test('a read-only mount; the global file left alone; nothing printed unless asked for', async () => {
    await using world = await openWorld(engine);
    const project = await makeProject(world);
    const name = await start(world, ['-v', 'project:/data:ro', '--ignore-globally=false']);
    expect(await read(name)).toMatchObject({ '.env': '', 'secrets/': 0, 'global.pem': 'secret' });
    expect((await inspect(name)).Mounts.map(({ RW }) => RW)).toEqual([false, false, false, false]);
    expect(await logOf(world, name)).not.toContain('verlay');
    await world.ok(['export', name, 'exported.json']);
    expect(JSON.parse(await readFile(join(world.work, 'exported.json'), 'utf8'))).toMatchObject({
      ignore_config: { LoadGlobal: false, PrintOverlays: false },
    });
    await world.ok(['rm', name]);
    await expectUntouched(project);
  });

  test('a folder without ignore files is mounted alone, and its workload has nothing to keep', async () => {
    await using world = await openWorld(engine);
    await makeProject(world);
    const name = await start(world, ['-v', 'project/src:/data', '--print-resolved-overlays']);
    expect((await inspect(name)).Mounts).toHaveLength(1);
    expect(existsSync(overlaysOf(world, name))).toBe(false);
    expect(await logOf(world, name)).not.toContain('verlay');
    await world.ok(['export', name, 'exported.json']);
    expect(JSON.parse(await readFile(join(world.work, 'exported.json'), 'utf8'))).toMatchObject({
      ignore_config: { LoadGlobal: true, PrintOverlays: true },
    });
  });

  test('what cannot be hidden keeps the server from starting', async () => {
    await using world = await openWorld(engine);
    const project = await makeProject(world);
    await mkdir(world.state, { recursive: true });
    await writeFile(join(world.state, 'overlays'), 'in the way');
    const name = world.name();
    await world.thv([
      ...['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '-v', 'project:/data', '--', 'echo'],
    ]);
    await world.reached(name, 'error');
    expect(await world.ok(['status', name])).toContain(
      `failed to hide what an ignore file names in ${join(project, '.env')}: `,
    );
    expect(await engine.inspect(name)).toBeUndefined();
    await rm(join(world.state, 'overlays'));
    await world.ok(['start', name]);
    await world.reached(name);
    expect(await read(name)).toMatchObject({ '.env': '', 'open.txt': 'open' });
  });
});

/** Registry settings of this machine, for a world with a home of its own. */
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^npm_config_/i.test(entry[0]),
  ),
);

describe.each([...SANDBOXES])('as a process in %s', (sandbox) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: { ...REGISTRY, TOOLHIVE_SANDBOX: sandbox } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each([
    ['read-write', ''],
    ['read-only', ':ro'],
  ])('a server sees nothing of what is ignored in a %s folder', async (_, mode) => {
    const project = await makeProject(world);
    const name = world.name(`p${mode.length}`);
    await world.ok([
      ...['run', 'npx://@modelcontextprotocol/server-filesystem', '--name', name, '--transport', 'stdio'],
      ...['--proxy-mode', 'streamable-http', '-v', `project:/data${mode}`, '--', '/data'],
    ]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    const text = (path: string) => mcp.call('read_text_file', { path: `/data/${path}` });
    const seen = await Promise.all(['.env', 'global.pem', 'src/a.key', 'open.txt', 'src/.env'].map(text));
    expect(seen).toEqual(['', '', '', 'open', FILES['src/.env']]);
    const listed = await mcp.call('list_directory', { path: '/data' });
    expect(listed).toContain('[DIR] secrets');
    expect(await mcp.call('list_directory', { path: '/data/secrets' })).toBe('');
    expect(await text('secrets/password')).toContain('ENOENT');
    const write = (path: string) => mcp.call('write_file', { path: `/data/${path}`, content: 'new' });
    expect(await write('.env')).not.toContain('Successfully');
    const own = await write('secrets/own');
    if (mode === '') expect(own).toContain('Successfully');
    else expect(own).toContain('EROFS');
    expect(existsSync(join(project, 'secrets', 'own'))).toBe(false);
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
    expect(existsSync(overlaysOf(world, name))).toBe(false);
    await expectUntouched(project);
  });
});

/** Runs a command in a container and gives what it printed. */
async function execute(engine: Engine, container: string, command: readonly string[]): Promise<string> {
  const created = await engineRequest(
    engine,
    'POST',
    `/containers/${container}/exec`,
    JSON.stringify({ AttachStdout: true, AttachStderr: true, Tty: true, Cmd: command }),
  );
  if (!created.ok) throw new Error(await created.text());
  const { Id } = (await created.json()) as { Id: string };
  const started = await engineRequest(
    engine,
    'POST',
    `/exec/${Id}/start`,
    JSON.stringify({ Detach: false, Tty: true }),
  );
  return await started.text();
}
