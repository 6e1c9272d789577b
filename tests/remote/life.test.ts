import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMcpClient } from '../harness/mcp.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { openRemoteServer, type RemoteServer } from './remote-server.ts';

const SECRETS = { TOOLHIVE_SECRETS_PROVIDER: 'environment', TOOLHIVE_SECRET_key: 'open sesame' };

/** What a tool of the server was called with. */
async function headersOf(url: string): Promise<Record<string, string>> {
  await using mcp = await openMcpClient(url);
  return JSON.parse(await mcp.call('headers'));
}

/** Opened and closed again: a client must not outlive the workload. */
async function ping(url: string): Promise<string> {
  await using mcp = await openMcpClient(url);
  return await mcp.call('ping');
}

const errorOf = (stderr: string) =>
  stderr
    .split('\n')
    .find((line) => line.startsWith('Error: '))
    ?.replace(/\. Hint: .*/, '');

/** Process id of the workload host, not of its guard. */
const hostOf = async (world: World) =>
  (await world.processes()).find(({ command }) => / host$/.test(command) && !/^sh /.test(command))?.pid ?? 0;

const documentOf = async (world: World, name: string) =>
  JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));

describe('a remote server, where there is no container engine', () => {
  let world: World;
  let remote: RemoteServer;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: SECRETS });
    remote = await openRemoteServer();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
  });

  describe.each([
    ['streamable-http', '/v1/mcp', []],
    ['sse', '/v1/sse', ['--transport', 'sse']],
  ] as const)('over %s', (transport, path, flags) => {
    test('runs, is listed, called, stopped, started, exported and removed like any other', async () => {
      const name = world.name(transport);
      const cursor = join(world.home, '.cursor', 'mcp.json');
      await mkdir(join(world.home, '.cursor'), { recursive: true });
      await world.ok(['client', 'register', 'cursor']);
      const target = `${remote.origin}${path}?toolsets=a,b`;
      await world.ok(['run', target, '--name', name, '--wait', ...flags]);
      const listed = await world.find(name);
      const fragment = transport === 'sse' ? `#${name}` : '';
      expect(listed).toMatchObject({
        package: 'remote',
        remote: true,
        status: 'running',
        transport_type: transport,
        url: `http://127.0.0.1:${listed?.port}${path}${fragment}`,
      });
      const { url = '', port } = listed ?? {};
      expect(await world.ok(['list'])).toContain(name);
      expect(await world.ok(['status', name])).toMatch(/^Package: +remote$/m);
      expect(JSON.parse(await readFile(cursor, 'utf8')).mcpServers[name]).toEqual({
        type: transport === 'sse' ? 'sse' : 'http',
        url: `http://localhost:${port}${path}${fragment}`,
      });

      expect(await ping(url)).toBe('pong');
      expect(await world.ok(['mcp', 'call', 'ping', '--server', name])).toBe('pong\n');
      const first = remote.asked.find(({ url: asked }) => asked.startsWith(path));
      expect(first?.url).toBe(`${path}?toolsets=a,b`);
      expect(first?.headers.host).toBe(`localhost:${remote.port}`);
      expect(await documentOf(world, name)).toEqual({
        schema_version: 'v0.1.0',
        image: target,
        remote_url: target,
        remote_auth_config: {
          timeout: 30_000_000_000,
          callback_port: 8666,
          use_pkce: false,
          cached_token_expiry: '0001-01-01T00:00:00Z',
          cached_secret_expiry: '0001-01-01T00:00:00Z',
        },
        name,
        container_name: name,
        base_name: name,
        transport,
        host: '127.0.0.1',
        port,
        target_port: expect.any(Number),
        target_host: `localhost:${remote.port}`,
        permission_profile: expect.objectContaining({ name: 'network' }),
        env_vars: {
          FASTMCP_PORT: expect.any(String),
          MCP_PORT: expect.any(String),
          MCP_TRANSPORT: transport,
        },
        container_labels: expect.objectContaining({ toolhive: 'true', 'toolhive-transport': transport }),
        proxy_mode: transport,
        group: 'default',
        ignore_config: { LoadGlobal: true, PrintOverlays: false },
        middleware_configs: expect.any(Array),
      });

      await world.ok(['stop', name]);
      expect(await world.find(name)).toMatchObject({ status: 'stopped' });
      expect((await world.thv(['logs', name])).stderr).toContain('use --proxy to get proxy logs');
      await world.ok(['start', name]);
      expect((await world.reached(name)).url).toBe(url);
      expect(await ping(url)).toBe('pong');

      await world.ok(['export', name, 'exported.json']);
      const kubernetes = await world.thv(['export', name, 'out.yaml', '--format', 'k8s']);
      expect(kubernetes).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('remote MCP servers are not supported in Kubernetes deployments'),
      });
      const before = await documentOf(world, name);
      await world.ok(['rm', name]);
      expect(existsSync(join(world.state, 'runconfigs', `${name}.json`))).toBe(false);
      expect(await world.ok(['list', '--all'], { env: { TOOLHIVE_RUNTIME: 'process' } })).not.toContain(name);
      await world.ok(['run', '--from-config', 'exported.json', '--wait']);
      expect(await documentOf(world, name)).toEqual(before);
      expect(await headersOf(url)).not.toHaveProperty('x-tenant');
      await world.ok(['rm', name]);
    }, 60_000);

    test('gets the headers that are to be forwarded, in place of the client’s, and nobody else sees a secret', async () => {
      const name = world.name(`${transport}-headers`);
      const { stderr } = await world.thv([
        'run',
        remote.origin + path,
        ...flags,
        '--name',
        name,
        ...['--remote-forward-headers', 'X-Tenant=t 1, t=2'],
        ...['--remote-forward-headers', 'X-Empty='],
        ...['--remote-forward-headers', 'X-Api-Key=plain'],
        ...['--remote-forward-headers', 'User-Agent=mine/1'],
        ...['--remote-forward-headers-secret', 'x-api-key=key'],
      ]);
      const { url } = await world.reached(name);
      const seen = await headersOf(url);
      expect(seen).toMatchObject({
        'x-tenant': 't 1, t=2',
        'x-empty': '',
        'x-api-key': 'open sesame',
        'user-agent': 'mine/1',
        'x-forwarded-proto': 'http',
      });
      expect(seen).not.toHaveProperty('x-forwarded-host');
      expect((await documentOf(world, name)).header_forward).toEqual({
        add_plaintext_headers: {
          'X-Tenant': 't 1, t=2',
          'X-Empty': '',
          'X-Api-Key': 'plain',
          'User-Agent': 'mine/1',
        },
        add_headers_from_secret: { 'x-api-key': 'key' },
      });
      const log = await world.ok(['logs', '--proxy', name, '--debug']);
      const disk = await Bun.$`grep -rl "open sesame" ${world.folder}`.nothrow().text();
      expect([stderr.includes('sesame'), log.includes('sesame'), disk]).toEqual([false, false, '']);
      await world.ok(['rm', name]);
    }, 30_000);
  });

  test('sessions outlive the workload host killed with -9, and the secret is still there', async () => {
    const name = world.name('crash');
    const secret = ['--remote-forward-headers-secret', 'X-Api-Key=key'];
    await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait', ...secret]);
    const { url = '' } = (await world.find(name)) ?? {};
    const mcp = await openMcpClient(url);
    expect(await mcp.call('ping')).toBe('pong');
    const before = await hostOf(world);
    const initialized = remote.asked.filter(({ initializes }) => initializes).length;
    process.kill(before, 'SIGKILL');
    const text = await waitFor(
      () => mcp.call('headers').catch(String),
      (answer) => answer.startsWith('{'),
      { what: 'the session goes on', deadlineMs: 20_000 },
    );
    expect(JSON.parse(text)).toMatchObject({ 'x-api-key': 'open sesame' });
    expect(await hostOf(world)).not.toBe(before);
    // The session is the server's own: only the readiness probe shook hands.
    expect(remote.asked.filter(({ initializes }) => initializes).length - initialized).toBeLessThanOrEqual(1);
    expect(await world.reached(name)).toMatchObject({ url });
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  }, 60_000);

  describe('a stop reaches the workload host', () => {
    const isServed = (url: string) =>
      fetch(url).then(
        () => true,
        () => false,
      );

    test('from where the variables of the login session are not set', async () => {
      const name = world.name('cron');
      await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
      const { url = '' } = (await world.find(name)) ?? {};
      const env = { XDG_RUNTIME_DIR: undefined };
      await world.ok(['stop', name], { env });
      expect(await isServed(url)).toBe(false);
      await world.ok(['start', name, '--wait'], { env });
      expect(await isServed(url)).toBe(true);
      await world.ok(['rm', name], { env });
    });

    test('that could not use the folder of the login session', async () => {
      await using other = await openWorld(undefined);
      const loop = join(other.folder, 'loop');
      await symlink(loop, loop);
      const name = other.name();
      const env = { XDG_RUNTIME_DIR: loop };
      await other.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait'], { env });
      await other.ok(['rm', name], { env });
    });

    test('whose socket went with the folder of the login session', async () => {
      const name = world.name('logout');
      await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
      const { url = '' } = (await world.find(name)) ?? {};
      await rm(join(world.folder, 'run', 'toolhive'), { recursive: true });
      await world.ok(['stop', name]);
      expect(await isServed(url)).toBe(false);
      await world.ok(['rm', name]);
    });

    test('that did not answer for a while', async () => {
      const name = world.name('busy');
      await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
      const { url = '' } = (await world.find(name)) ?? {};
      const isHost = ({ command }: { command: string }) => / host$/.test(command) && !/^sh /.test(command);
      const pid = (await world.processes()).find(isHost)?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      const stopping = world.thv(['stop', name]);
      await Bun.sleep(3000); // longer than a command waits for one answer
      process.kill(pid, 'SIGCONT');
      expect(await stopping).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await isServed(url)).toBe(false);
      await world.ok(['rm', name]);
    }, 30_000);
  });

  test('a server that was restarted knows its sessions again', async () => {
    await using restarted = await openRemoteServer();
    const name = world.name('restarted');
    await world.ok(['run', `${restarted.origin}/v1/mcp`, '--name', name, '--wait']);
    const { url = '' } = (await world.find(name)) ?? {};
    const mcp = await openMcpClient(url);
    expect(await mcp.call('ping')).toBe('pong');
    await restarted.stop();
    expect(await mcp.call('ping').catch(String)).toContain('The MCP server cannot be reached');
    await restarted.start();
    expect(await mcp.call('ping')).toBe('pong');
    expect(await world.find(name)).toMatchObject({ status: 'running' });
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  }, 30_000);

  test('a server that is down is unhealthy, says why, and runs as soon as it is there', async () => {
    await using late = await openRemoteServer();
    await late.stop();
    const name = world.name('late');
    await world.ok(['run', `${late.origin}/v1/mcp`, '--name', name]);
    expect(await world.find(name)).toMatchObject({ status: 'starting' });
    const { status_context } = await world.reached(name, 'unhealthy', 25_000);
    expect(status_context).toStartWith('the remote server cannot be used: ');
    await late.start();
    const { url } = await world.reached(name);
    expect((await world.find(name))?.status_context).toBeUndefined();
    expect(await ping(url)).toBe('pong');
    await world.ok(['rm', name]);
  }, 60_000);

  test('one that fails its health checks is unhealthy, and its port stays open', async () => {
    await using watched = await openRemoteServer();
    const name = world.name('watched');
    const env = {
      TOOLHIVE_REMOTE_HEALTHCHECKS: 'True',
      TOOLHIVE_HEALTH_CHECK_INTERVAL: '100ms',
      TOOLHIVE_HEALTH_CHECK_RETRY_DELAY: '50ms',
      TOOLHIVE_HEALTH_CHECK_FAILURE_THRESHOLD: '2',
    };
    await world.ok(['run', `${watched.origin}/v1/mcp`, '--name', name, '--wait'], { env });
    const { url = '', port } = (await world.find(name)) ?? {};
    const health = async () => (await fetch(`http://127.0.0.1:${port}/health`)).json();
    expect(await health()).toMatchObject({ status: 'healthy', mcp: { available: true } });
    const mcp = await openMcpClient(url);
    expect(await mcp.call('ping')).toBe('pong');
    await watched.stop();
    const { status_context } = await world.reached(name, 'unhealthy');
    expect(status_context).toBe('Health check failed');
    expect(await health()).toMatchObject({ status: 'degraded', mcp: { available: false } });
    await watched.start();
    await world.reached(name);
    expect(await mcp.call('ping')).toBe('pong');
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  }, 60_000);

  test('nobody watches one unless asked to', async () => {
    const name = world.name('unwatched');
    await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
    const { port } = (await world.find(name)) ?? {};
    const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
    expect(health).toEqual({
      status: 'healthy',
      timestamp: expect.any(String),
      transport: 'streamable-http',
    });
    await world.ok(['rm', name]);
  });

  test('a 401 ends the start at once as unauthenticated, and the next answer that is none takes it back', async () => {
    let isOpen = false;
    const challenge = { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="x"' } };
    await using closed = await openRemoteServer({
      answer: ({ headers }) => (isOpen || headers.authorization === 'Bearer t' ? undefined : challenge),
    });
    const name = world.name('closed');
    const target = `${closed.origin}/v1/mcp`;
    const { exitCode, stderr } = await world.thv(['run', target, '--name', name, '--wait']);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('the remote server requires authentication (401): give it a token'),
    ]);
    const { url = '' } = (await world.find(name)) ?? {};
    const refused = await fetch(url, { method: 'POST', body: '{}' });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="x"']);
    expect(await world.ok(['list'])).not.toContain(name);
    isOpen = true;
    expect(await ping(url)).toBe('pong');
    await world.reached(name);
    await world.ok(['rm', name]);

    isOpen = false;
    const withToken = world.name('token');
    const flag = ['--remote-forward-headers', 'Authorization=Bearer t'];
    await world.ok(['run', target, '--name', withToken, '--wait', ...flag]);
    const wrong = world.name('wrong');
    await world.ok(['run', target, '--name', wrong, '--remote-forward-headers', 'Authorization=Bearer no']);
    expect((await world.reached(wrong, 'unauthenticated')).status_context).toBe(
      'Bearer token authentication failed. Please restart the server with a new token',
    );
    await world.ok(['rm', withToken, wrong]);
  }, 60_000);

  test('a server that answers something else runs, with a remark', async () => {
    const name = world.name('elsewhere');
    await world.ok(['run', `${remote.origin}/elsewhere`, '--name', name, '--wait']);
    expect(await world.find(name)).toMatchObject({
      status: 'running',
      status_context: 'the remote server answered the first request with 404',
    });
    await world.ok(['rm', name]);
  });

  test('a proxy that the environment names is on the way, and still is when the host was killed', async () => {
    const name = world.name('proxied');
    await world.ok(['run', 'http://remote.invalid/v1/mcp', '--name', name, '--wait'], {
      env: { http_proxy: remote.origin },
    });
    const { url = '' } = (await world.find(name)) ?? {};
    expect(await headersOf(url)).toMatchObject({ host: 'remote.invalid' });
    process.kill(await hostOf(world), 'SIGKILL');
    await waitFor(
      () => headersOf(url).catch(String),
      (headers) => typeof headers === 'object',
      { what: 'the server is reached again', deadlineMs: 20_000 },
    );
    await world.ok(['rm', name]);
  });

  test('in the foreground it serves until it is interrupted, and is gone then', async () => {
    const name = world.name('foreground');
    const running = world.start(['run', `${remote.origin}/v1/mcp`, '--name', name, '--foreground']);
    const { url } = await world.reached(name);
    expect(await ping(url)).toBe('pong');
    running.signal('SIGINT');
    expect((await running.finished()).exitCode).toBe(0);
    expect(existsSync(join(world.state, 'runconfigs', `${name}.json`))).toBe(false);
  }, 30_000);

  test('a stop of a run in the foreground ends it, and it is gone', async () => {
    const name = world.name('ended');
    const running = world.start(['run', `${remote.origin}/v1/mcp`, '--name', name, '--foreground']);
    await world.reached(name);
    expect(await world.thv(['stop', name])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await running.finished(10_000)).exitCode).toBe(0);
    expect((await world.thv(['status', name])).exitCode).toBe(1);
    expect(existsSync(join(world.data, 'statuses', `${name}.json`))).toBe(false);
  }, 30_000);

  test('started in the foreground, with the flag before its name, it is running, and a stop ends that process', async () => {
    const name = world.name('started');
    await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
    await world.ok(['stop', name]);
    const running = world.start(['start', '--foreground', name]);
    await world.reached(name);
    await world.ok(['stop', name]);
    expect((await running.finished(10_000)).exitCode).toBe(0);
    expect((await world.find(name))?.status).toBe('stopped');
    await world.ok(['rm', name]);
  }, 30_000);

  test('files that cannot be read keep nobody from stopping, starting and removing it', async () => {
    const name = world.name('damaged');
    await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
    const statusPath = join(world.data, 'statuses', `${name}.json`);
    await writeFile(statusPath, 'nonsense');
    expect((await world.thv(['status', name])).stderr).toEndWith(
      `recovery failed: all recovery strategies failed). Hint: 'thv start', 'thv stop' and 'thv rm' replace ${statusPath}\n`,
    );
    await world.ok(['stop', name]);
    expect((await world.find(name))?.status).toBe('stopped');
    await writeFile(statusPath, '');
    await world.ok(['start', name, '--wait']);
    const configPath = join(world.state, 'runconfigs', `${name}.json`);
    const document = await readFile(configPath, 'utf8');
    await writeFile(configPath, '{');
    expect((await world.thv(['export', name, 'x.json'])).stderr).toEndWith(
      `. Hint: mend ${configPath}, or remove the workload with 'thv rm ${name}'\n`,
    );
    await writeFile(configPath, document);
    await writeFile(statusPath, 'nonsense');
    const listed = await world.thv(['list', '--all']);
    expect(listed.stderr).toContain('status of a workload cannot be read');
    expect(listed.stdout).toContain(`${name} `);
    expect(await world.thv(['rm', name])).toMatchObject({ exitCode: 0, stdout: '' });
    expect((await readdir(join(world.data, 'statuses'))).filter((file) => file.startsWith(name))).toEqual([]);
    expect(existsSync(configPath)).toBe(false);
  });

  test('rm deletes the temporary permission profile that the reference made for it, and no other file', async () => {
    const name = world.name('profiled');
    await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, '--wait']);
    const path = join(world.state, 'runconfigs', `${name}.json`);
    const document = JSON.parse(await readFile(path, 'utf8'));
    const temporary = join(world.folder, 'tmp', `toolhive-${name}-permissions-1.json`);
    const own = join(world.work, 'toolhive-my-permissions-1.json');
    for (const [profile, isKept] of [
      [own, true],
      [temporary, false],
    ] as const) {
      await writeFile(profile, '{}');
      await writeFile(path, JSON.stringify({ ...document, permission_profile_name_or_path: profile }));
      await world.ok(['rm', name]);
      expect(existsSync(profile)).toBe(isKept);
    }
  });
});

test.skipIf(Bun.which('openssl') === null)(
  'https: a certificate counts if its CA is trusted',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-ca-'));
    try {
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost`.quiet();
      const tls = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
      await using remote = await openRemoteServer({ tls });
      await using trusting = await openWorld(undefined, { env: { NODE_EXTRA_CA_CERTS: cert } });
      for (const [path, transport] of [
        ['/v1/mcp', 'streamable-http'],
        ['/v1/sse', 'sse'],
      ] as const) {
        const name = trusting.name(transport);
        await trusting.ok(['run', remote.origin + path, '--name', name, '--transport', transport, '--wait']);
        const { url = '' } = (await trusting.find(name)) ?? {};
        expect(await headersOf(url)).toMatchObject({ 'x-forwarded-proto': 'https' });
      }
      // A host that a shell without it started: each run trusts what its own shell names.
      await using mixed = await openWorld(undefined);
      await using plain = await openRemoteServer();
      await mixed.ok(['run', `${plain.origin}/v1/mcp`, '--name', mixed.name('plain'), '--wait']);
      const [trusts, second] = [mixed.name('trusts'), mixed.name('wary')];
      const target = `${remote.origin}/v1/mcp`;
      await mixed.ok(['run', target, '--name', trusts, '--wait'], { env: { NODE_EXTRA_CA_CERTS: cert } });
      await mixed.ok(['run', target, '--name', second]);
      expect((await mixed.reached(second, 'unhealthy', 25_000)).status_context).toContain('self signed');
      expect(await ping((await mixed.find(trusts))?.url ?? '')).toBe('pong');
      await using wary = await openWorld(undefined);
      const name = wary.name();
      await wary.ok(['run', `${remote.origin}/v1/mcp`, '--name', name]);
      const { status_context } = await wary.reached(name, 'unhealthy', 25_000);
      expect(status_context).toBe('the remote server cannot be used: self signed certificate');
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  60_000,
);

describe('what cannot be run', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: SECRETS });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const REMOTE = 'http://localhost:1/mcp';
  test.each<[string, readonly string[], string]>([
    [
      'a transport that no remote server has',
      [REMOTE, '--transport', 'stdio'],
      'failed to validate run config: invalid transport mode: stdio. Valid modes of a remote server are: sse, streamable-http',
    ],
    ['a URL without a host', ['https://'], 'could not extract hostname from URL: https://'],
    ['no URL', ['https://a b'], 'invalid remote URL: https://a b'],
    [
      'a URL with a password, which is not told',
      ['https://me:sesame@example.com/mcp'],
      'invalid remote URL: https://example.com/mcp: a user name or password does not belong in it; use --remote-forward-headers-secret Authorization=SECRET',
    ],
    [
      'a header without a value',
      [REMOTE, '--remote-forward-headers', 'X-A'],
      'failed to parse header forward flags: invalid header format "X-A": expected Name=Value',
    ],
    [
      'a header that is not the user’s',
      [REMOTE, '--remote-forward-headers', 'HOST=x'],
      'failed to parse header forward flags: header "Host" is restricted and cannot be configured for forwarding',
    ],
    [
      'a header without a secret',
      [REMOTE, '--remote-forward-headers-secret', 'X-A='],
      'failed to parse header secret flags: invalid secret header "X-A=": secret name cannot be empty',
    ],
    [
      'an unknown secret',
      [REMOTE, '--remote-forward-headers-secret', 'X-A=none'],
      'failed to validate workload parameters: failed to resolve header secret "none": failed to get secrets: secret not found: none',
    ],
    [
      'headers for a server of one’s own',
      ['example/server:1', '--remote-forward-headers', 'X-A=1'],
      '--remote-forward-headers does not apply to servers that are run here',
    ],
  ])('%s', async (_, args, message) => {
    const { exitCode, stderr } = await world.thv(['run', ...args, '--name', world.name()]);
    expect([exitCode, errorOf(stderr)]).toEqual([1, `Error: ${message}`]);
    expect([stderr.includes('sesame'), existsSync(join(world.state, 'runconfigs'))]).toEqual([false, false]);
  });

  test.each<[string, object, string]>([
    [
      'a sign-in',
      { remote_auth_config: { client_id: 'a', issuer: 'https://i', use_pkce: false } },
      'this version of thv cannot sign in to a remote server as the run configuration asks for: remote_auth_config.client_id, remote_auth_config.issuer',
    ],
    [
      'a sign-in in the older spelling',
      { remote_auth_config: { ClientID: '', BearerToken: 'x' } },
      'this version of thv cannot sign in to a remote server as the run configuration asks for: remote_auth_config.BearerToken',
    ],
    ['another kind of URL', { remote_url: 'ftp://x' }, 'invalid remote URL: ftp://x'],
    [
      'stdio',
      { transport: 'stdio' },
      'invalid transport mode: stdio. Valid modes of a remote server are: sse, streamable-http',
    ],
    [
      'what only a server of one’s own can be given',
      { volumes: ['/tmp:/data'], env_vars: { A: '1' } },
      'env_vars, volumes do not apply to remote servers, for which nothing is run here',
    ],
    [
      'headers that cannot be forwarded',
      {
        header_forward: {
          add_plaintext_headers: { Host: 'x', 'X-A': 'ses\name' },
          add_headers_from_secret: { 'X A': 'k' },
        },
      },
      'header_forward: header "Host" is restricted and cannot be configured for forwarding; invalid header name "X A": only letters, digits and the signs of RFC 9110 §5.6.2 may stand in it; invalid header value for "X-A": it holds control characters',
    ],
  ])('a document with %s', async (_, part, message) => {
    const base = { schema_version: 'v0.1.0', remote_url: REMOTE, name: 'imported', transport: 'sse' };
    await writeFile(join(world.work, 'document.json'), JSON.stringify({ ...base, ...part }));
    const { exitCode, stderr } = await world.thv(['run', '--from-config', 'document.json']);
    expect([exitCode, errorOf(stderr)]).toEqual([1, `Error: failed to import document.json: ${message}`]);
  });
});
