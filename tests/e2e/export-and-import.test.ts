import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { occupyPort } from '../harness/ports.ts';
import { callOnce } from '../harness/raw-client.ts';
import { openWorld } from '../harness/world.ts';

/** A document as the program of another machine might have written it. */
function documentOf(name: string, change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schema_version: 'v0.1.0',
    image: FIXTURE_IMAGE,
    name,
    base_name: name,
    transport: 'stdio',
    proxy_mode: 'streamable-http',
    port: 0,
    ...change,
  });
}

describe('export without an engine', () => {
  test.each([
    [
      'an unknown format',
      ['x', 'f', '--format', 'toml'],
      "Error: invalid format 'toml': must be 'json' or 'k8s'\n",
    ],
    [
      'an unknown workload',
      ['nobody', 'file.json'],
      "Error: failed to load run configuration for workload 'nobody': run config not found: nobody. Hint: use 'thv list --all' to see available workloads\n",
    ],
    ['one word only', ['x'], 'Error: accepts 2 arg(s), received 1\n'],
  ])('%s is refused and no file is made', async (_, args, stderr) => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['export', ...args])).toEqual({ exitCode: 1, stdout: '', stderr });
    await expect(stat(join(world.work, 'file.json'))).rejects.toThrow('ENOENT');
  });

  test('a resource for the operator, with what it does not hold told on stderr', async () => {
    await using world = await openWorld(undefined);
    await mkdir(join(world.state, 'runconfigs'), { recursive: true });
    const stored = documentOf('My.Server', {
      port: 4000,
      cmd_args: ['--verbose'],
      env_vars: { B: '2', API_TOKEN: 't' },
      volumes: ['/srv/data:/data:ro', '/tmp:/scratch'],
      secrets: ['tok,target=KEY'],
      permission_profile: { name: 'network' },
      telemetry_config: { endpoint: 'localhost:4318' },
      oidc_config: { Issuer: 'https://issuer.example.com' },
      audit_config: { enabled: true },
      authz_config: {
        version: '1.0',
        type: 'cedarv1',
        cedar: { policies: ['permit(principal,action,resource);'] },
      },
    });
    await writeFile(join(world.state, 'runconfigs', 'My.Server.json'), stored);
    expect(await world.thv(['export', 'My.Server', 'out.yaml', '--format', 'k8s'])).toEqual({
      exitCode: 0,
      stdout: "Successfully exported Kubernetes MCPServer resource for 'My.Server' to 'out.yaml'\n",
      stderr: `Warning: This server uses secrets that cannot be exported to Kubernetes manifests.
You will need to create Kubernetes secrets separately before applying this manifest.
Secrets used: [tok,target=KEY]
Warning: Telemetry configuration detected but not exported.
Create an MCPTelemetryConfig resource and add a telemetryConfigRef to the exported MCPServer.
Warning: OIDC configuration detected but not exported.
Create an MCPOIDCConfig resource and add an oidcConfigRef to the exported MCPServer.
Warning: The permission profile is exported as the built-in "none"; change permissionProfile to what the server needs.
Warning: The exported file holds these environment variables in plain text: API_TOKEN. Use --secret to keep their values out of it.
`,
    });
    expect(
      await readFile(join(world.work, 'out.yaml'), 'utf8'),
    ).toBe(`apiVersion: toolhive.stacklok.dev/v1beta1
kind: MCPServer
metadata:
  name: my-server
spec:
  image: ${FIXTURE_IMAGE}
  transport: stdio
  args:
    - --verbose
  proxyPort: 4000
  proxyMode: streamable-http
  env:
    - name: API_TOKEN
      value: t
    - name: B
      value: "2"
  volumes:
    - name: volume-0
      hostPath: /srv/data
      mountPath: /data
      readOnly: true
    - name: volume-1
      hostPath: /tmp
      mountPath: /scratch
      readOnly: false
  permissionProfile:
    type: builtin
    name: none
  authzConfig:
    type: inline
    inline:
      policies:
        - permit(principal,action,resource);
  audit:
    enabled: true
`);
  });
});

describe('import without an engine', () => {
  test.each([
    [
      'a file that is not there',
      undefined,
      [],
      "failed to open configuration file 'c.json': ENOENT: no such file or directory, open 'c.json'",
    ],
    ['a file that is not JSON', '{', [], 'failed to parse configuration file: not valid JSON: '],
    [
      'flags beside the file',
      documentOf('x1'),
      ['--name', 'y', '-e', 'A=1'],
      '--from-config cannot be used with other configuration flags: [--env --name]',
    ],
    [
      'a server beside the file',
      documentOf('x1'),
      ['fetch'],
      '--from-config says what to run and cannot be used with a server: fetch',
    ],
    [
      'an unknown transport',
      documentOf('x1', { transport: 'pigeon' }),
      [],
      'failed to parse configuration file: transport: invalid transport mode: pigeon. Valid modes are: sse, streamable-http, stdio',
    ],
    [
      'a name that climbs',
      documentOf('../x1'),
      [],
      "failed to import c.json: invalid workload name '../x1': workload name contains path traversal",
    ],
    [
      'a group that does not exist',
      documentOf('x1', { group: 'nobody' }),
      [],
      "failed to import c.json: group 'nobody' does not exist",
    ],
    [
      'protection that cannot be given',
      documentOf('x1', { upstream_swap_config: { provider_name: 'p' } }),
      [],
      'failed to import c.json: this version of thv cannot enforce what the run configuration asks for: upstream_swap_config',
    ],
  ])('%s is refused and nothing is left', async (_, content, flags, message) => {
    await using world = await openWorld(undefined);
    if (content !== undefined) await writeFile(join(world.work, 'c.json'), content);
    const { exitCode, stdout, stderr } = await world.thv(['run', '--from-config', 'c.json', ...flags]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toStartWith(`Error: ${message}`);
    await expect(stat(join(world.state, 'runconfigs'))).rejects.toThrow('ENOENT');
  });
});

// A document is the same whatever engine runs the workload: one will do.
onOneEngine((engine) => {
  test('a workload comes back from its exported file as it was, byte for byte', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await mkdir(join(world.work, 'data'));
    await world.ok([
      ...['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--proxy-mode', 'streamable-http'],
      ...['-e', 'GREETING=hällo "you" <b>', '-v', `${join(world.work, 'data')}:/data:ro`, '-l', 'team=core'],
      ...[
        '--tools',
        'echo,birth',
        '--session-ttl',
        '90s',
        '--permission-profile',
        'none',
        '--',
        'echo',
        '--x',
      ],
    ]);
    const { url } = await world.reached(name);
    expect(await world.thv(['export', name, 'new/folder/w.json'])).toEqual({
      exitCode: 0,
      stdout: `Successfully exported run configuration for '${name}' to 'new/folder/w.json'\n`,
      stderr: '',
    });
    const file = join(world.work, 'new/folder/w.json');
    const exported = await readFile(file, 'utf8');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(exported).toBe(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));

    const again = await world.thv(['run', '--from-config', file]);
    expect(again).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`workload with name '${name}' already exists`),
    });
    await world.ok(['rm', name]);
    await world.ok(['run', '--from-config', file]);
    expect((await world.reached(name)).url).toBe(url);
    expect(await callOnce(url, 'echo', { message: 'hello' })).toContain('hello');
    expect(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8')).toBe(exported);
  });

  test('a busy port is told, a missing one is chosen, keys of a later version stay', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const file = join(world.work, 'c.json');
    using busy = occupyPort();
    await writeFile(file, documentOf(name, { port: busy.port }));
    expect(await world.thv(['run', '--from-config', file])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`requested proxy port ${busy.port} is not available`),
    });
    await writeFile(file, documentOf(name, { from_the_future: { a: 1 } }));
    const { stderr } = await world.thv(['run', '--from-config', file]);
    expect(stderr).toContain('run configuration has unknown keys');
    const { port } = await world.reached(name);
    expect(JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'))).toMatchObject(
      {
        port,
        from_the_future: { a: 1 },
        container_labels: { 'toolhive-port': String(port) },
      },
    );
  });

  test('in the foreground its container is stopped at the end and it is not deleted; unhealthy, for nobody stopped it', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const file = join(world.work, 'c.json');
    await writeFile(file, documentOf(name));
    const running = world.start(['run', '--foreground', '--from-config', file]);
    await world.reached(name);
    running.signal('SIGINT');
    expect(await running.finished()).toMatchObject({ exitCode: 0 });
    expect(await world.find(name)).toMatchObject({ status: 'unhealthy' });
    expect((await engine.inspect(name))?.State.Running).toBe(false);
    await world.ok(['start', name]);
    await world.reached(name);
  });
});
