import { expect, test } from 'bun:test';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable } from '../harness/raw-client.ts';
import { openWorld } from '../harness/world.ts';

const BACK_WITHIN_MS = 2000;

onEachEngine((engine) => {
  test('a newer executable takes the workloads over: same URLs, same sessions, the older host ends', async () => {
    await using world = await openWorld(engine);
    await using newer = await newerExecutable();
    const [first, second] = [world.name('first'), world.name('second')];
    await world.ok(['run', FIXTURE_IMAGE, '--name', first, '--transport', 'stdio']);
    const before = await world.reached(first);
    await using client = await openStreamable(new URL('/mcp', before.url).href);
    expect(await callTool(client, 1, 'echo', { message: 'before' })).toBe('before');
    const older = await hostProcess(world);

    const args = ['run', FIXTURE_IMAGE, '--name', second, '--transport', 'stdio'];
    const startedAt = performance.now();
    const takeOver = world.thv(args, { executable: newer.path });
    let longestSilenceMs = 0;
    let lastAnswerAt = startedAt;
    const done = takeOver.then(() => world.reached(second));
    for (let id = 2, isOver = false; !isOver; id++) {
      isOver = await Promise.race([done.then(() => true), Bun.sleep(20).then(() => false)]);
      const answer = await callTool(client, id, 'echo', { message: String(id) }).catch(() => undefined);
      if (answer !== String(id)) continue;
      longestSilenceMs = Math.max(longestSilenceMs, performance.now() - lastAnswerAt);
      lastAnswerAt = performance.now();
    }
    expect(await takeOver).toMatchObject({ exitCode: 0 });
    expect((await world.reached(first)).url).toBe(before.url);
    expect(await callTool(client, 9999, 'echo', { message: 'after' })).toBe('after');
    // Podman ends the server with its attachment, and starting it again is Podman's time.
    expect(longestSilenceMs).toBeLessThan(engine.kind === 'docker' ? BACK_WITHIN_MS : 2 * BACK_WITHIN_MS);
    expect(await hostProcess(world)).not.toBe(older);

    const present = await hostProcess(world);
    await world.ok(['start', first]);
    await world.ok(['stop', second]);
    expect(await hostProcess(world)).toBe(present); // the older executable is served by the newer host
  }, 60_000);
});

async function hostProcess(world: Awaited<ReturnType<typeof openWorld>>): Promise<number> {
  const hosts = (await world.processes()).filter(
    ({ command }) => / host( |$)/.test(command) && !command.startsWith('sh '),
  );
  return hosts[0]?.pid ?? 0;
}

/** The executable under test with a later build date in it: what an upgrade puts on a machine. */
async function newerExecutable(): Promise<AsyncDisposable & { readonly path: string }> {
  const source = process.env['THV_BINARY'] ?? '';
  const bytes = Buffer.from(await readFile(source));
  const { stdout } = Bun.spawnSync([source, 'version', '--format', 'json']);
  const { build_date: date } = JSON.parse(stdout.toString()) as { readonly build_date: string };
  const later = Buffer.from(date.replace(/^\d{4}/, (year) => String(Number(year) + 10)));
  let replaced = 0;
  for (let at = bytes.indexOf(date); at >= 0; at = bytes.indexOf(date, at + 1)) {
    later.copy(bytes, at);
    replaced++;
  }
  expect(replaced).toBeGreaterThan(0);
  const folder = await mkdtemp(join(tmpdir(), 'thv-newer-'));
  const path = join(folder, 'thv');
  await writeFile(path, bytes);
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
