import { expect, test } from 'bun:test';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const PLANTED = 'planted-s3cr3t-value';
const ENVIRONMENT = { TOOLHIVE_SECRETS_PROVIDER: 'environment', TOOLHIVE_SECRET_tok: PLANTED };

// Secrets are resolved before an engine is asked: one will do.
onOneEngine((engine) => {
  test('a secret reaches the server and nothing else, also after a crash of the host and a restart', async () => {
    await using world = await openWorld(engine, { env: ENVIRONMENT });
    const name = world.name();
    const run = ['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '-e', 'API_KEY=plain'];
    const printed = await world.thv([...run, '--secret', 'tok,target=API_KEY']);
    expect(printed.exitCode).toBe(0);
    const { url } = await world.reached(name);
    const read = () => callOnce(url, 'env', { name: 'API_KEY' });
    expect(await read()).toBe(PLANTED);
    const document = await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8');
    expect(JSON.parse(document)).toMatchObject({
      secrets: ['tok,target=API_KEY'],
      env_vars: { API_KEY: 'plain' },
    });

    const host = (await world.processes()).find(
      ({ command }) => / host(?: |$)/.test(command) && !/^sh /.test(command),
    );
    process.kill(host?.pid ?? 0, 'SIGKILL');
    await waitFor(
      () => read().catch(String),
      (value) => value === PLANTED,
      {
        what: 'the server answers with the secret again',
        deadlineMs: 15_000,
      },
    );

    await world.ok(['stop', name]);
    await world.ok(['start', name], { env: { TOOLHIVE_SECRET_tok: `other-${PLANTED}` } });
    await world.reached(name);
    expect(await read()).toBe(`other-${PLANTED}`);

    const listed = [await world.ok(['list', '--all', '--format', 'json']), await world.ok(['status', name])];
    // What the server itself wrote holds the answer that it was asked for above.
    const logs = await world.thv(['logs', name, '--proxy']);
    await world.ok(['export', name, 'exported.json']);
    const labels = JSON.stringify((await engine.inspect(name))?.Config.Labels);
    const commands = (await world.processes()).map(({ command }) => command);
    const texts = [printed.stdout, printed.stderr, ...listed, logs.stdout, logs.stderr, labels, ...commands];
    expect(texts.filter((text) => text.includes(PLANTED))).toEqual([]);
    expect(await filesWith(world, PLANTED)).toEqual([]);
  }, 120_000);

  test('a secret that cannot be had again makes the workload fail with the reason', async () => {
    await using world = await openWorld(engine, { env: ENVIRONMENT });
    const name = world.name();
    await world.ok([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '--secret',
      'tok,target=KEY',
    ]);
    await world.reached(name);
    await world.ok(['stop', name]);
    const { exitCode, stderr } = await world.thv(['start', name], {
      env: { TOOLHIVE_SECRET_tok: undefined },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith(
      `Error: failed to restart workload ${name}: error processing secrets: failed to get secrets: secret not found: tok`,
    );
    expect(await world.find(name)).toMatchObject({
      status: 'error',
      status_context: expect.stringContaining('secret not found: tok'),
    });
  });

  test.each([
    [
      'an unknown secret',
      ['--secret', 'nope,target=KEY'],
      'Error: failed to validate workload parameters: error processing secrets: failed to get secrets: secret not found: nope',
    ],
    ['a bad form', ['--secret', 'nope'], 'Error: invalid secret parameter format: nope'],
  ])('%s is refused and nothing is left', async (_, flags, message) => {
    await using world = await openWorld(engine, { env: ENVIRONMENT });
    const name = world.name();
    const { exitCode, stdout, stderr } = await world.thv(['run', FIXTURE_IMAGE, '--name', name, ...flags]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toStartWith(message);
    expect(await world.find(name)).toBeUndefined();
    expect(await engine.inspect(name)).toBeUndefined();
  });
});

/** Files of the world that hold `text`. */
async function filesWith(world: World, text: string): Promise<readonly string[]> {
  const entries = await readdir(world.folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
