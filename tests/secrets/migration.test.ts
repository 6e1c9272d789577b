import { expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, silentLogger } from '../../src/platform/index.ts';
import { migrateSecretScopes, openSecretsStore } from '../../src/secrets/index.ts';
import { openWorld } from '../harness/world.ts';

const ENV = { TOOLHIVE_KEYRING: 'off', TOOLHIVE_SECRETS_PASSWORD: 'pw' };

/** A user who set secrets up, with `secrets` as older versions stored them. */
async function openOld(secrets: Readonly<Record<string, string>>, isSetUp = true) {
  const world = await openWorld(undefined);
  const config = join(world.folder, 'config/toolhive');
  await mkdir(config, { recursive: true });
  const file = join(config, 'config.yaml');
  await writeFile(
    file,
    `secrets:\n    provider_type: ${isSetUp ? 'encrypted' : '""'}\n    setup_completed: ${isSetUp}\n`,
  );
  const options = { paths: { config, data: world.data }, env: ENV, logger: silentLogger };
  if (isSetUp) {
    const store = await openSecretsStore(options);
    for (const [name, value] of Object.entries(secrets)) await store.set(name, value);
  }
  return {
    options,
    thv: world.thv,
    isMarked: async () => (await readFile(file, 'utf8')).includes('secret_scope_migration: true'),
    async stored() {
      const store = await openSecretsStore(options);
      const entries = await store.list();
      return Object.fromEntries(
        await Promise.all(entries.map(async ({ key }) => [key, await store.get(key)])),
      );
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

test('what the program kept under bare names moves into its scopes, once', async () => {
  await using old = await openOld({
    BEARER_TOKEN_a: '1',
    OAUTH_CLIENT_SECRET_a: '2',
    OAUTH_REFRESH_TOKEN_a: '3',
    'registry-user-x': '4',
    'registry-default-x': '5',
    BUILD_AUTH_FILE_npmrc: '6',
    REGISTRY_OAUTH_0a: '7',
    MINE: '8',
    bearer_token_a: '9',
  });
  await migrateSecretScopes(old.options);
  const moved = {
    __thv_workloads_BEARER_TOKEN_a: '1',
    __thv_workloads_OAUTH_CLIENT_SECRET_a: '2',
    __thv_workloads_OAUTH_REFRESH_TOKEN_a: '3',
    '__thv_workloads_registry-user-x': '4',
    '__thv_workloads_registry-default-x': '5',
    __thv_workloads_BUILD_AUTH_FILE_npmrc: '6',
    __thv_registry_REGISTRY_OAUTH_0a: '7',
    MINE: '8',
    bearer_token_a: '9',
  };
  expect(await old.stored()).toEqual(moved);
  expect(await old.isMarked()).toBe(true);
  const store = await openSecretsStore(old.options);
  await store.set('BEARER_TOKEN_mine', 'of the user, later');
  await migrateSecretScopes(old.options);
  expect(await old.stored()).toEqual({ ...moved, BEARER_TOKEN_mine: 'of the user, later' });
});

test('what is in the scope already stays as it is there', async () => {
  await using old = await openOld({ BEARER_TOKEN_a: 'old', __thv_workloads_BEARER_TOKEN_a: 'new' });
  await migrateSecretScopes(old.options);
  expect(await old.stored()).toEqual({ __thv_workloads_BEARER_TOKEN_a: 'new' });
});

test.each([
  ['before the setup', false, ENV],
  [
    'while the environment names another provider',
    true,
    { ...ENV, TOOLHIVE_SECRETS_PROVIDER: 'environment' },
  ],
])('%s nothing is moved and nothing marked', async (_, isSetUp, env) => {
  await using old = await openOld({ BEARER_TOKEN_a: '1' }, isSetUp);
  await migrateSecretScopes({ ...old.options, env });
  expect(await old.isMarked()).toBe(false);
  if (isSetUp) expect(await old.stored()).toEqual({ BEARER_TOKEN_a: '1' });
});

test('a failure is logged without a value, and tried again the next time', async () => {
  await using old = await openOld({ BEARER_TOKEN_a: '1' });
  const lines: string[] = [];
  const logger = createLogger({ write: (line) => lines.push(line) });
  const env = { ...ENV, TOOLHIVE_SECRETS_PASSWORD: 'wrong' };
  await migrateSecretScopes({ ...old.options, env, logger });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'WARN',
    msg: 'secrets of older versions were not moved into their scopes',
    code: 'ERR_SECRETS_FILE_INVALID',
  });
  expect(await old.isMarked()).toBe(false);
  await migrateSecretScopes(old.options);
  expect(await old.stored()).toEqual({ __thv_workloads_BEARER_TOKEN_a: '1' });
});

test('starting a workload is when it happens', async () => {
  await using old = await openOld({ BEARER_TOKEN_a: '1' });
  const { exitCode } = await old.thv(['start', 'nothing'], { env: ENV });
  expect(exitCode).toBe(1);
  expect(await old.stored()).toEqual({ __thv_workloads_BEARER_TOKEN_a: '1' });
});

test("a store that was set up empty has nothing to move: such names are the user's", async () => {
  await using world = await openWorld(undefined, { env: ENV });
  await world.ok(['secret', 'provider', 'encrypted']);
  await world.ok(['secret', 'set', 'BEARER_TOKEN_mine'], { stdin: 'v' });
  await world.thv(['start', 'nothing']);
  expect(await world.ok(['secret', 'list'])).toBe('Available secrets:\n  - BEARER_TOKEN_mine\n');
});
