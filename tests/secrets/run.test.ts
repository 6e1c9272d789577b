import { expect, test } from 'bun:test';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { openWorld, type World } from '../harness/world.ts';
import { filesWith } from './files-with.ts';

const PLANTED = 'planted-5ecret-value';
const PASSWORD = 'planted-pa55word';

/** What a server that was run with the secret `token` sees of it. */
async function runWithSecret(world: World, name: string): Promise<unknown> {
  const secret = ['--secret', 'token,target=API_KEY'];
  await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', ...secret]);
  const { url } = await world.reached(name);
  return callOnce(url, 'env', { name: 'API_KEY' });
}

// Secrets are resolved before an engine is asked: one will do.
onOneEngine((engine) => {
  test('a server gets what the encrypted store holds, the password being in the environment alone', async () => {
    await using world = await openWorld(engine, { env: { TOOLHIVE_SECRETS_PASSWORD: PASSWORD } });
    await world.ok(['secret', 'provider', 'encrypted']);
    await world.ok(['secret', 'set', 'token'], { stdin: PLANTED });
    const name = world.name();
    expect(await runWithSecret(world, name)).toBe(PLANTED);

    const changed = await world.thv(['secret', 'set', 'token'], { stdin: `new-${PLANTED}` });
    expect(changed).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `\nWarning: The following MCP servers use this secret and may need to be restarted:\n  - ${name}\n`,
    });
    await world.ok(['stop', name]);
    await world.ok(['start', name]);
    const { url } = await world.reached(name);
    expect(await callOnce(url, 'env', { name: 'API_KEY' })).toBe(`new-${PLANTED}`);
    expect(await filesWith(world.folder, PLANTED)).toEqual([]);
    expect(await filesWith(world.folder, PASSWORD)).toEqual([]);
    const commands = (await world.processes()).map(({ command }) => command).join('\n');
    expect(commands).not.toContain(PLANTED);
    expect(commands).not.toContain(PASSWORD);
  }, 120_000);

  test("a server gets what a command of the user's prints", async () => {
    await using world = await openWorld(engine);
    const manager = join(world.work, 'manager');
    await writeFile(manager, `#!/bin/sh\necho "$1 of $SESSION"\n`);
    await chmod(manager, 0o755);
    await world.ok(['secret', 'provider', 'exec', '--', manager, '{name}']);
    const user = { ...world, ok: (args: readonly string[]) => world.ok(args, { env: { SESSION: 'now' } }) };
    expect(await runWithSecret(user, world.name())).toBe('token of now');
  }, 60_000);
});
