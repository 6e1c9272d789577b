import { expect, test } from 'bun:test';
import { openWorld, type World } from '../harness/world.ts';
import { filesWith } from './files-with.ts';

const PLANTED = 'planted-5ecret-value';
const PASSWORD = 'planted-pa55word';

/** Every way a command may speak of a secret, failures among them, with the most that can be logged. */
async function talkAboutIt(world: World): Promise<string> {
  const spoken: string[] = [];
  const say = async (args: readonly string[], options: Parameters<World['thv']>[1] = {}) => {
    const { stdout, stderr } = await world.thv(['--debug', ...args], options);
    spoken.push(stdout, stderr);
  };
  await say(['secret', 'setup'], { stdin: 'encrypted\n' });
  await say(['secret', 'set', 'key'], { stdin: PLANTED });
  await say(['secret', 'set', 'a,b'], { stdin: PLANTED });
  await say(['secret', 'set', '__thv_x'], { stdin: PLANTED });
  await say(['secret', 'list', '--format', 'json']);
  await say(['config', 'set-build-env', 'TOKEN', 'key', '--from-secret']);
  await say(['config', 'get-build-env', '--format', 'json']);
  await say(['config', 'set-build-auth-file', 'npmrc', '--stdin'], { stdin: PLANTED });
  await say(['config', 'get-build-auth-file']);
  await say(['secret', 'list', '--system']);
  await say(['secret', 'get', 'key'], { env: { TOOLHIVE_SECRETS_PASSWORD: `${PASSWORD}x` } });
  await say(['secret', 'set', 'key'], { env: { TOOLHIVE_SECRETS_PROVIDER: 'environment' }, stdin: PLANTED });
  await say(['secret', 'get', 'other'], { env: { TOOLHIVE_SECRET_key: PLANTED } });
  await say(['secret', 'list'], {
    env: { TOOLHIVE_SECRETS_PROVIDER: '1password', OP_SERVICE_ACCOUNT_TOKEN: PLANTED },
  });
  await world.ok(['secret', 'provider', 'exec', '--', 'sh', '-c', 'echo "$OP_TOKEN" >&2; exit 1', '{name}']);
  await say(['secret', 'get', 'key'], { env: { OP_TOKEN: PLANTED } });
  return spoken.join('');
}

test('a value is nowhere but in the answer to get: in no file, no log line, no error', async () => {
  await using world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PASSWORD: PASSWORD } });
  const spoken = await talkAboutIt(world);
  expect(spoken).toContain('"key": "key"');
  expect(spoken).not.toContain(PLANTED);
  expect(spoken).not.toContain(PASSWORD);
  expect(await filesWith(world.folder, PLANTED)).toEqual([]);
  expect(await filesWith(world.folder, PASSWORD)).toEqual([]);
  expect(await world.thv(['secret', 'provider', 'encrypted'])).toMatchObject({ exitCode: 0 });
  expect(await world.ok(['secret', 'get', 'key'])).toBe(`${PLANTED}\n`);
});

test('what looks for a value finds one that does lie about', async () => {
  await using world = await openWorld(undefined);
  await world.ok(['config', 'set-build-env', 'TOKEN', PLANTED]);
  expect(await filesWith(world.folder, PLANTED)).toEqual(['config/toolhive/config.yaml']);
});
