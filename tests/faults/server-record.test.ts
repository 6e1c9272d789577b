import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const recordPath = (world: World) => join(world.state, 'server', 'server.json');
const record = async (world: World) => JSON.parse(await readFile(recordPath(world), 'utf8'));

async function isAnswering(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`, { keepalive: false })).status < 600;
  } catch {
    return false;
  }
}

/** Asks without a pause; resolves in the very moment of the first answer. */
async function untilAnswering(port: number): Promise<void> {
  while (!(await isAnswering(port))) await Bun.sleep(0);
}

test('whoever is answered by the API finds its record; at the end it is gone', async () => {
  await using world = await openWorld(undefined);
  for (let round = 0; round < 5; round++) {
    const port = freePort();
    const serving = world.start(['serve', '--port', String(port)]);
    await untilAnswering(port);
    expect(existsSync(recordPath(world))).toBe(true);
    expect(await record(world)).toMatchObject({ pid: serving.pid, url: `http://127.0.0.1:${port}` });
    serving.signal('SIGTERM');
    expect((await serving.finished()).exitCode).toBe(0);
    expect(existsSync(recordPath(world))).toBe(false);
  }
}, 60_000);

test('a record of a killed server is replaced, also when somebody else has its process id', async () => {
  await using world = await openWorld(undefined);
  const port = freePort();
  const killed = world.start(['serve', '--port', String(port)]);
  await untilAnswering(port);
  killed.signal('SIGKILL');
  await waitFor(
    () => isAnswering(port),
    (answers) => !answers,
    { what: 'it is gone' },
  );
  await writeFile(recordPath(world), JSON.stringify({ ...(await record(world)), pid: process.pid }));
  const next = world.start(['serve', '--port', String(port)]);
  await untilAnswering(port);
  expect(await record(world)).toMatchObject({ pid: next.pid });
  next.signal('SIGTERM');
  await next.finished();
}, 30_000);

test('of two servers started at once one serves, and the record is its own', async () => {
  await using world = await openWorld(undefined);
  const ports = [freePort(), await freePort()];
  const servers = ports.map((port) => world.start(['serve', '--port', String(port)]));
  const ended = await Promise.race(
    servers.map(async (server) => ({ server, ...(await server.finished(20_000)) })),
  );
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toContain('another ToolHive server is already running');
  const other = servers.find(({ pid }) => pid !== ended.server.pid);
  const { pid, url } = await record(world);
  expect(pid).toBe(other?.pid);
  expect(await isAnswering(Number(new URL(url).port))).toBe(true);
  other?.signal('SIGTERM');
  expect((await other?.finished())?.exitCode).toBe(0);
}, 60_000);

test('where the record cannot be written nobody is answered, and the reason is told', async () => {
  await using world = await openWorld(undefined);
  await mkdir(world.state, { recursive: true });
  await writeFile(join(world.state, 'server'), 'a file where the folder should be');
  const port = freePort();
  const serving = world.start(['serve', '--port', String(port)]);
  let wasAnswered = false;
  const finished = serving.finished(20_000);
  let isOver = false;
  void finished.then(() => {
    isOver = true;
  });
  while (!isOver) wasAnswered ||= await isAnswering(port);
  const { exitCode, stderr } = await finished;
  expect({ exitCode, wasAnswered }).toEqual({ exitCode: 1, wasAnswered: false });
  expect(stderr).toContain(join(world.state, 'server'));
  await rm(join(world.state, 'server'));
}, 30_000);
