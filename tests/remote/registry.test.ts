import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openMcpClient } from '../harness/mcp.ts';
import { startOnTerminal } from '../harness/pty.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';
import { openRemoteServer, type RemoteServer } from './remote-server.ts';

const PASSWORD = { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' };

/** A registry file with remote servers alone. */
async function useRegistry(world: World, { origin }: RemoteServer): Promise<void> {
  const path = join(world.folder, 'registry.json');
  const remote = (url: string, transport: string, more: object = {}) => ({
    description: 'A server of the suite.',
    tier: 'Community',
    status: 'Active',
    transport,
    tools: ['ping', 'headers'],
    url,
    ...more,
  });
  const remote_servers = {
    'org.example/stream': remote(`${origin}/v1/sse`, 'sse', { env_vars: [{ name: 'A', description: 'a' }] }),
    'org.example/keyed': remote(`${origin}/v1/mcp`, 'streamable-http', {
      headers: [
        { name: 'X-Key', description: 'the key', required: true, secret: true },
        { name: 'X-Region', description: 'where', required: true, choices: ['eu', 'us'] },
        { name: 'X-Flavour', description: 'has a default', default: 'plain' },
        { name: 'X-Maybe', description: 'need not be given' },
      ],
    }),
    'org.example/guarded': remote(`${origin}/v1/mcp`, 'streamable-http', {
      oauth_config: { issuer: 'https://issuer.example.com', client_id: 'a', scopes: ['read'] },
    }),
  };
  // The short way to write it; what registries serve is the other format.
  const meta = { version: '1.0.0', last_updated: '2026-01-01T00:00:00Z' };
  await writeFile(path, JSON.stringify({ ...meta, servers: {}, remote_servers }));
  await world.ok(['registry', 'convert', '--in', path, '--in-place']);
  const config = join(world.folder, 'config', 'toolhive');
  await mkdir(config, { recursive: true });
  await writeFile(join(config, 'config.yaml'), `local_registry_path: ${path}\n`);
}

async function headersOf(url: string): Promise<Record<string, string>> {
  await using mcp = await openMcpClient(url);
  return JSON.parse(await mcp.call('headers'));
}

describe('a remote server of a registry, where there is no container engine', () => {
  let world: World;
  let remote: RemoteServer;
  beforeAll(async () => {
    remote = await openRemoteServer();
    world = await openWorld(undefined, { env: PASSWORD });
    await useRegistry(world, remote);
    await world.ok(['secret', 'provider', 'encrypted']);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
  });

  const documentOf = async (name: string) =>
    JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));
  const errorOf = (stderr: string) => stderr.split('\n').find((line) => line.startsWith('Error: '));

  test('keeps its transport, and the document says where it came from', async () => {
    await world.ok(['run', 'stream', '--wait']);
    const listed = await world.find('stream');
    expect(listed).toMatchObject({ package: 'remote', transport_type: 'sse', status: 'running' });
    expect(listed?.url).toEndWith('/v1/sse#stream');
    expect(await headersOf(listed?.url ?? '')).toHaveProperty('x-forwarded-for');
    expect(await documentOf('stream')).toMatchObject({
      image: 'stream',
      remote_url: `${remote.origin}/v1/sse`,
      registry_server_name: 'org.example/stream',
      remote_auth_config: { env_vars: [{ name: 'A', description: 'a', required: false }] },
    });
    await world.ok(['rm', 'stream']);
  });

  test('has no environment of ours: variables for it are refused, whatever its entry declares', async () => {
    const { exitCode, stderr } = await world.thv(['run', 'stream', '--env', 'A=1']);
    expect([exitCode, errorOf(stderr)]).toEqual([
      1,
      'Error: --env does not apply to remote servers, for which nothing is run here. Hint: leave out --env (env_vars)',
    ]);
    expect(await world.ok(['list', '--all'], { env: { TOOLHIVE_RUNTIME: 'process' } })).not.toContain(
      'stream',
    );
  });

  test('without what its headers need, all of them are named where nobody can be asked', async () => {
    const { exitCode, stderr } = await world.thv(['run', 'keyed']);
    expect([exitCode, errorOf(stderr)]).toEqual([
      1,
      'Error: failed to validate headers: missing required header: X-Key, X-Region. Hint: set it with --remote-forward-headers NAME=VALUE',
    ]);
    expect(await world.ok(['list', '--all'], { env: { TOOLHIVE_RUNTIME: 'process' } })).not.toContain(
      'keyed',
    );
  });

  test('headers come from flags in any case, then from the entry', async () => {
    const name = world.name('flags');
    const given = ['x-key=k', 'X-REGION=eu', 'X-Own=1'].flatMap((header) => [
      '--remote-forward-headers',
      header,
    ]);
    await world.ok(['run', 'keyed', '--name', name, '--wait', ...given]);
    const { url = '' } = (await world.find(name)) ?? {};
    const seen = await headersOf(url);
    expect(seen).toMatchObject({ 'x-key': 'k', 'x-region': 'eu', 'x-own': '1', 'x-flavour': 'plain' });
    expect(seen).not.toHaveProperty('x-maybe');
    expect((await documentOf(name)).remote_auth_config.headers).toEqual([
      { name: 'X-Key', description: 'the key', required: true, secret: true },
      { name: 'X-Region', description: 'where', required: true, choices: ['eu', 'us'] },
      { name: 'X-Flavour', description: 'has a default', required: false, default: 'plain' },
      { name: 'X-Maybe', description: 'need not be given', required: false },
    ]);
    await world.ok(['rm', name]);
  });

  test.skipIf(process.platform === 'win32')(
    'a person is asked, and what is secret is kept as one',
    async () => {
      const name = world.name('asked');
      const pty = startOnTerminal([BINARY, 'run', 'keyed', '--name', name, '--wait'], {
        env: world.env,
        cwd: world.work,
      });
      await pty.appeared('X-Key');
      await pty.appeared(': ');
      pty.type('open sesame\r');
      await pty.appeared('X-Region');
      await pty.appeared(': ');
      pty.type('us\r');
      expect([await pty.finished(), pty.screen.includes('sesame')]).toEqual([0, false]);
      const before = await world.reached(name);
      expect(await headersOf(before.url)).toMatchObject({ 'x-key': 'open sesame', 'x-region': 'us' });
      expect((await documentOf(name)).header_forward).toEqual({
        add_plaintext_headers: { 'X-Region': 'us', 'X-Flavour': 'plain' },
        add_headers_from_secret: { 'X-Key': 'registry-user-x-key' },
      });
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      expect(await headersOf(before.url)).toMatchObject({ 'x-key': 'open sesame' });

      // What was stored for it goes with the last workload that refers to it.
      const copy = world.name('copy');
      const names = { name: copy, base_name: copy, container_name: copy, port: 0 };
      const path = join(world.work, 'copy.json');
      await writeFile(path, JSON.stringify({ ...(await documentOf(name)), ...names }));
      await world.ok(['run', '--from-config', path]);
      await world.ok(['rm', name]);
      expect(await headersOf((await world.reached(copy)).url)).toMatchObject({ 'x-key': 'open sesame' });
      await world.ok(['rm', copy]);
      const again = await world.thv(['run', '--from-config', path]);
      expect([again.exitCode, errorOf(again.stderr)]).toEqual([1, expect.stringContaining('not found')]);
    },
  );

  test('one that has to be signed in to is refused, unless it is given a token', async () => {
    const { exitCode, stderr } = await world.thv(['run', 'guarded']);
    expect([exitCode, errorOf(stderr)]).toEqual([
      1,
      'Error: org.example/guarded is a remote server that has to be signed in to with OAuth, which this version cannot do. Hint: give it a token: --remote-forward-headers-secret Authorization=SECRET',
    ]);
    const name = world.name('token');
    const token = ['--remote-forward-headers', 'Authorization=Bearer t'];
    await world.ok(['run', 'guarded', '--name', name, '--wait', ...token]);
    const { url = '' } = (await world.find(name)) ?? {};
    expect(await headersOf(url)).toMatchObject({ authorization: 'Bearer t' });
    await world.ok(['rm', name]);
  });

  test('a tool that the entry does not have cannot be asked for, nor stdio', async () => {
    const tool = await world.thv(['run', 'stream', '--tools', 'nonesuch']);
    expect(errorOf(tool.stderr)).toStartWith(
      'Error: failed to validate run config: tool nonesuch not found in registry',
    );
    const stdio = await world.thv(['run', 'stream', '--transport', 'stdio']);
    expect(errorOf(stdio.stderr)).toBe(
      'Error: failed to validate run config: invalid transport mode: stdio. Valid modes of a remote server are: sse, streamable-http',
    );
  });
});
