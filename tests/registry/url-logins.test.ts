import { describe, expect, test } from 'bun:test';
import { ThvError } from '../../src/errors/index.ts';
import { setSource } from '../../src/registry/index.ts';
import { type RegistryServer, serverJson, startRegistryServer } from './registry-server.ts';
import { openWorld } from './world.ts';

const PASSWORD = 'pa55word';
const withLogin = (server: RegistryServer, path = '') =>
  `${server.url.replace('//', `//user:${PASSWORD}@`)}${path}`;
const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing went wrong',
    (error: unknown) => (error instanceof ThvError ? error.message : 'no error of ours'),
  );

const ANSWERS: readonly (readonly [string, () => Response])[] = [
  ['a status', () => new Response('', { status: 500 })],
  ['what is not JSON', () => new Response('<html>')],
  ['the legacy format', () => Response.json({ servers: {} })],
  ['a refusal', () => new Response('', { status: 401 })],
  ['a redirect to nowhere', () => Response.redirect('http://127.0.0.1:1/')],
];

describe('the login in the URL of a registry', () => {
  test('is used', async () => {
    await using server = startRegistryServer();
    await using world = await openWorld({
      registry_api_url: withLogin(server),
      allow_private_registry_ip: true,
    });
    expect((await world.open().list()).entries).toHaveLength(1);
    expect(server.authorizations[0]).toBe(`Basic ${btoa(`user:${PASSWORD}`)}`);
  });

  test.each(ANSWERS)('is in no message about %s', async (_what, answer) => {
    await using server = startRegistryServer();
    server.intercept = answer;
    const common = { allow_private_registry_ip: true };
    await using file = await openWorld({ ...common, registry_url: withLogin(server, '/r.json') });
    await using api = await openWorld({ ...common, registry_api_url: withLogin(server) });
    const set = (location: string) =>
      setSource({ location, allowPrivateAddress: true }, { paths: file.paths, env: {} });
    const messages = [
      await messageOf(file.open().list()),
      await messageOf(api.open().list()),
      await messageOf(set(withLogin(server, '/r.json'))),
    ];
    for (const message of messages) {
      expect(message).toContain('127.0.0.1');
      expect(message).not.toContain(PASSWORD);
    }
  });

  test('is not in the log when what was said before stands in', async () => {
    await using server = startRegistryServer([serverJson('io.github.a/one')]);
    await using world = await openWorld({
      registry_api_url: withLogin(server),
      allow_private_registry_ip: true,
    });
    await world.open().list();
    server.intercept = () => new Response('', { status: 503 });
    await world.open().list({ refresh: true });
    expect(JSON.stringify(world.log)).toContain('using what it said before');
    expect(JSON.stringify(world.log)).not.toContain(PASSWORD);
  });
});
