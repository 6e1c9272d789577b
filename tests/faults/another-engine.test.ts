import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { hostOf, runFixture, statusPath } from './small-world.ts';
import { type Strangeness, startStrangeEngine } from './strange-engine.ts';

/** Variables that make a command see that engine and no other. */
const seeing = (socket: string) => ({
  TOOLHIVE_DOCKER_SOCKET: socket,
  TOOLHIVE_PODMAN_SOCKET: undefined,
});

const filesOf = (world: World, names: readonly string[]) =>
  names.map((name) => readFileSync(statusPath(world, name), 'utf8'));

// The other engine is what matters here, not the one in which the workload runs: one will do.
onOneEngine((engine) => {
  describe('a shell where another engine answers, or none', () => {
    test.each<[Strangeness | 'is not there']>([
      ['knows no container'],
      ['answers 500'],
      ['hangs'],
      ['is not there'],
    ])(
      'one that %s: list and status leave every status file as it is',
      async (strangeness) => {
        await using world = await openWorld(engine);
        const [running, stopped] = [await runFixture(world), await runFixture(world, 'stopped')];
        await world.reached(running);
        await world.reached(stopped);
        await world.ok(['stop', stopped]);
        const before = filesOf(world, [running, stopped]);
        const missing = join(world.folder, 'missing.sock');
        using other =
          strangeness === 'is not there' ? undefined : startStrangeEngine(world.folder, strangeness);
        const env = seeing(other?.socket ?? missing);
        const listed = await world.thv(['list', '--all', '--format', 'json'], { env });
        for (const name of [running, stopped]) await world.thv(['status', name], { env });
        expect(filesOf(world, [running, stopped])).toEqual(before);
        if (strangeness === 'knows no container') {
          const shown: readonly { readonly name: string; readonly status: string }[] = JSON.parse(
            listed.stdout,
          );
          expect(shown.map(({ name, status }) => [name, status])).toEqual([
            [running, 'running'],
            [stopped, 'stopped'],
          ]);
          expect(listed.stderr).toContain('container not looked for: it is in another engine');
          expect(listed.stderr).toContain(engine.socket);
        } else {
          expect(listed.exitCode).toBe(1);
          expect(listed.stderr).not.toBe('');
        }
        expect((await world.find(running))?.status).toBe('running');
        expect((await world.find(stopped))?.status).toBe('stopped');
      },
      120_000,
    );

    test('the API shows what is known there, and writes nothing', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      await world.reached(name);
      const before = filesOf(world, [name]);
      using other = startStrangeEngine(world.folder, 'knows no container');
      await using api = await startApi(world, [], seeing(other.socket));
      const response = await api.ask('GET', '/api/v1beta/workloads?all=true');
      expect(response.status).toBe(200);
      expect(response.json()).toMatchObject({ workloads: [{ name, status: 'running' }] });
      expect(filesOf(world, [name])).toEqual(before);
    }, 60_000);

    test('stop and rm find the container in the engine it was started in', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      await world.reached(name);
      using other = startStrangeEngine(world.folder, 'knows no container');
      const env = seeing(other.socket);
      await world.ok(['stop', name], { env });
      expect((await engine.inspect(name))?.State.Running).toBe(false);
      await world.ok(['rm', name], { env });
      expect(await engine.inspect(name)).toBeUndefined();
    }, 60_000);

    test('a workload whose host is gone is called unhealthy from there too: its proxy is known to be down', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      await world.reached(name);
      process.kill(await hostOf(world), 'SIGTERM');
      await waitFor(
        () => world.processes(),
        (left) => left.length === 0,
        { what: 'host and guard ended', deadlineMs: 15_000 },
      );
      using other = startStrangeEngine(world.folder, 'knows no container');
      const listed = await world.ok(['list', '--all', '--format', 'json'], { env: seeing(other.socket) });
      expect(JSON.parse(listed)).toMatchObject([
        {
          name,
          status: 'unhealthy',
          status_context: `proxy process not running: workload shows running but proxy process for ${name} is not active`,
        },
      ]);
    }, 60_000);
  });
});
