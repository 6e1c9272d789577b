import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inEachPlace } from '../harness/fixture-server.ts';
import { callOnce, post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { World } from '../harness/world.ts';

const INITIALIZE =
  '{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}';

inEachPlace((place) => {
  const noun = place.kind === 'process' ? 'Process' : 'Container';

  describe('run --wait of a stdio server', () => {
    test.each([
      ['reads and answers nothing', ['silent']],
      ['waits for its first client', ['echo']],
    ])('that %s returns after a second and a half, and is asked nothing', async (_, behaviour) => {
      await using world = await place.openWorld();
      const { exitCode, ms } = await runAndWait(world, behaviour);
      expect(exitCode).toBe(0);
      expect(ms).toBeGreaterThan(1500);
    });

    test.each([
      ['ends at once', ['exit'], 'fixture: no credentials in the environment'],
      ['ends after a while', ['expires', '150'], 'fixture: the key was refused'],
    ])('that %s fails with its last words, and writes no client settings', async (_, behaviour, words) => {
      await using world = await place.openWorld();
      const settings = await registerClient(world);
      const before = readFileSync(settings, 'utf8');
      const { exitCode, stderr, ms, name } = await runAndWait(world, behaviour);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`${noun} exited, restarting: ${words}`);
      expect(ms).toBeLessThan(12_000);
      expect(readFileSync(settings, 'utf8')).toBe(before);
      expect(JSON.parse(await world.ok(['status', name, '--format', 'json']))).toMatchObject({
        status: 'starting',
        health: expect.stringContaining(words),
      });
      // The log comes after the status.
      await waitFor(
        () => readFileSync(join(world.data, 'logs', `${name}.log`), 'utf8'),
        (log) => log.includes(words),
        { what: 'the log holds the last words' },
      );
    });

    test('the last words hold no secrets', async () => {
      await using world = await place.openWorld();
      await world.ok(['secret', 'setup'], { stdin: 'environment\n' }).catch(() => '');
      const { stderr } = await runAndWait(world, ['tells', 'TOKEN'], {
        flags: ['--secret', 'T,target=TOKEN'],
        env: { TOOLHIVE_SECRETS_PROVIDER: 'environment', TOOLHIVE_SECRET_T: 'hunter2hunter2' },
      });
      expect(stderr).toContain('fixture: TOKEN is [secret]');
      expect(stderr).not.toContain('hunter2');
    });

    test.each([
      ['ends at a ping', ['orderly']],
      ['falls silent at a ping', ['offended']],
    ])('that %s serves its first client all the same', async (_, behaviour) => {
      await using world = await place.openWorld();
      const { exitCode, name } = await runAndWait(world, behaviour);
      expect(exitCode).toBe(0);
      expect(await seenBy(await urlOf(world, name))).toEqual([
        'initialize number',
        'notifications/initialized',
        'tools/call number',
      ]);
    });
  });

  test("a client's early initialize is passed on at once, and is the first thing that the server hears", async () => {
    await using world = await place.openWorld();
    const name = world.name();
    await world.ok(await place.run(world, name, ['echo']));
    const url = await urlOf(world, name);
    const answer = await waitFor(
      async () =>
        (await (await post(url, INITIALIZE, { accept: 'application/json' })).json()) as {
          readonly result?: unknown;
        },
      (seen) => seen.result !== undefined,
      { what: 'the handshake is answered' },
    );
    expect(answer).toMatchObject({ id: 'first' });
    await world.reached(name);
    const seen = await seenBy(url);
    expect(seen[0]).toBe('initialize number');
    expect(seen.filter((each) => each.startsWith('initialize'))).toEqual(['initialize number']);
  });

  test('a request to a server that ends at once is answered with an error soon', async () => {
    await using world = await place.openWorld();
    const name = world.name();
    await world.ok(await place.run(world, name, ['exit']));
    const url = await urlOf(world, name);
    const startedAt = performance.now();
    const response = await post(url, INITIALIZE, { accept: 'application/json' });
    expect(response.ok && 'result' in ((await response.json()) as object)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  async function runAndWait(
    world: World,
    behaviour: readonly string[],
    { flags = [], env = {} }: { flags?: readonly string[]; env?: Record<string, string> } = {},
  ) {
    const name = world.name();
    const words = await place.run(world, name, behaviour, ['--wait', '--wait-timeout', '40s', ...flags]);
    const startedAt = performance.now();
    const finished = await world.start(words, { env }).finished(60_000);
    return { ...finished, name, ms: performance.now() - startedAt };
  }
});

async function urlOf(world: World, name: string): Promise<string> {
  const found = await world.find(name);
  if (found === undefined) throw new Error(`${name} is not listed`);
  return found.url;
}

/** What the server heard so far, of those that a handshake of ours ends. */
async function seenBy(url: string): Promise<readonly string[]> {
  return JSON.parse(await callOnce(url, 'seen'));
}

async function registerClient(world: World): Promise<string> {
  const settings = join(world.home, '.cursor', 'mcp.json');
  await Bun.write(settings, '{}\n');
  await world.ok(['client', 'register', 'cursor']);
  if (!existsSync(settings)) throw new Error('no settings of the client');
  return settings;
}
