import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inEachPlace } from '../harness/fixture-server.ts';
import type { World } from '../harness/world.ts';

inEachPlace((place) => {
  /** Runs a server and stops it; gives what it printed by then, and how long the stop took. */
  async function runAndStop(world: World, behaviour: readonly string[], flags: readonly string[] = []) {
    const name = world.name();
    await world.ok(await place.run(world, name, behaviour));
    await world.reached(name);
    const startedAt = performance.now();
    await world.ok(['stop', name, ...flags]);
    const ms = performance.now() - startedAt;
    expect(await world.find(name)).toMatchObject({ status: 'stopped' });
    return { ms, name, printed: await world.ok(['logs', name]) };
  }

  test('a server that ends with its input is stopped soon', async () => {
    await using world = await place.openWorld();
    expect((await runAndStop(world, ['echo'])).ms).toBeLessThan(5000);
  });

  test('a server that ends neither with its input nor by SIGTERM is killed when --timeout is over', async () => {
    await using world = await place.openWorld();
    const { ms, printed } = await runAndStop(world, ['immortal'], ['--timeout', '6']);
    expect(ms).toBeGreaterThan(5000);
    expect(ms).toBeLessThan(15_000);
    expect(printed).toContain('fixture: not now');
  });

  test('a server that outlives its input ends by SIGTERM', async () => {
    await using world = await place.openWorld();
    expect((await runAndStop(world, ['lingering'])).ms).toBeLessThan(8000);
  });

  test('it is not killed by --timeout 0 later than at once', async () => {
    await using world = await place.openWorld();
    expect((await runAndStop(world, ['immortal'], ['--timeout', '0'])).ms).toBeLessThan(5000);
  });

  test('a server that ignores SIGTERM but ends with its input is stopped soon', async () => {
    await using world = await place.openWorld();
    expect((await runAndStop(world, ['stubborn'])).ms).toBeLessThan(8000);
  });

  // The Engine API of Docker cannot end the input of a container that is to outlive its client.
  if (place.kind === 'docker') return;

  describe('the input of a server is ended first', () => {
    test('and one that ends with its input gets no signal while it tidies up', async () => {
      await using world = await place.openWorld();
      const { printed } = await runAndStop(world, ['tidy', '1000']);
      expect(printed).toContain('fixture: input ended\nfixture: tidied up');
      expect(printed).not.toContain('SIGTERM');
    });

    test('before a restart', async () => {
      await using world = await place.openWorld();
      const name = world.name();
      await world.ok(await place.run(world, name, ['tidy']));
      await world.reached(name);
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      await world.ok(['stop', name]);
      const printed = await world.ok(['logs', name]);
      expect(printed).not.toContain('SIGTERM');
      const log = await readFile(join(world.data, 'logs', `${name}.log`), 'utf8');
      expect(log).not.toContain('exited unexpectedly');
    });
  });
});
