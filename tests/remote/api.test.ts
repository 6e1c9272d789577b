import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type ApiProcess, startApi } from '../api/server.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { openRemoteServer, type RemoteServer } from './remote-server.ts';

const B = '/api/v1beta/workloads';
const SECRETS = { TOOLHIVE_SECRETS_PROVIDER: 'environment', TOOLHIVE_SECRET_key: 'open sesame' };

describe('remote servers over the API, where there is no container engine', () => {
  let world: World;
  let remote: RemoteServer;
  let api: ApiProcess;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: SECRETS });
    remote = await openRemoteServer();
    api = await startApi(world);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
  });

  test('one is created, described, edited by its own description, and deleted', async () => {
    const name = world.name();
    const header_forward = {
      add_plaintext_headers: { 'X-Tenant': 't=1' },
      add_headers_from_secret: { 'X-Key': 'key' },
    };
    const headers = [{ name: 'X-Tenant', description: 'whose', required: true }];
    const created = await api.ask('POST', B, {
      body: { name, url: `${remote.origin}/v1/mcp`, header_forward, headers },
    });
    expect([created.status, created.text]).toEqual([201, expect.stringContaining(name)]);
    const { url } = await world.reached(name);
    const call = async () => {
      await using mcp = await openMcpClient(url);
      return JSON.parse(await mcp.call('headers'));
    };
    expect(await call()).toMatchObject({ 'x-tenant': 't=1', 'x-key': 'open sesame' });
    const details = (await api.ask('GET', `${B}/${name}`)).json();
    expect(details).toMatchObject({
      image: '',
      url: `${remote.origin}/v1/mcp`,
      transport: 'streamable-http',
      header_forward,
      headers,
      oauth_config: { callback_port: 8666, client_id: '' },
    });

    const edit = (body: object) => api.ask('POST', `${B}/${name}/edit`, { body });
    const changed = { ...header_forward, add_plaintext_headers: { 'X-Tenant': 't2' } };
    expect(await edit({ ...details, header_forward: changed })).toMatchObject({ status: 200 });
    // The edit is answered before the exchange has taken place.
    const after = await waitFor(
      () => call().catch((error: unknown) => ({ error: String(error) })),
      (seen) => seen['x-tenant'] === 't2',
      { what: 'the new header is forwarded' },
    );
    expect(after).toMatchObject({ 'x-key': 'open sesame' });
    await world.reached(name);
    expect((await api.ask('GET', `${B}/${name}`)).json()).toEqual({ ...details, header_forward: changed });
    expect((await api.ask('DELETE', `${B}/${name}`)).status).toBe(202);
  });

  test.each<[string, object, string]>([
    ['no URL', { url: 'ftp://x' }, 'ftp'],
    [
      'stdio',
      { transport: 'stdio' },
      'invalid run configuration provided: Failed to build run config: failed to validate run config: invalid transport mode: stdio. Valid modes of a remote server are: sse, streamable-http',
    ],
    [
      'a header without a name',
      { header_forward: { add_plaintext_headers: { '': 'x' } } },
      'invalid run configuration provided: header name cannot be empty',
    ],
    [
      'a header that is not the user’s',
      { header_forward: { add_headers_from_secret: { te: 'x' } } },
      'invalid run configuration provided: header "Te" is restricted and cannot be configured for forwarding',
    ],
    [
      'a value that no header can hold',
      { header_forward: { add_plaintext_headers: { 'X-A': 'ses\name' } } },
      'invalid run configuration provided: invalid header value for "X-A": it holds control characters',
    ],
    [
      'a sign-in',
      { oauth_config: { client_id: 'a' } },
      'invalid run configuration provided: this version does not support oauth_config for workloads',
    ],
  ])('%s is refused', async (_, part, message) => {
    const body = { name: world.name('refused'), url: `${remote.origin}/v1/mcp`, ...part };
    const reply = await api.ask('POST', B, { body });
    expect([reply.status, reply.text]).toEqual([400, expect.stringContaining(message)]);
  });
});
