import { expect, test } from 'bun:test';
import { type Engine, engineRequest } from '../harness/engine.ts';
import { EVERYTHING_IMAGE, FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { freePort, occupyPort } from '../harness/ports.ts';
import { openWorld } from '../harness/world.ts';

/** Stands in for the Inspector, whose registry is out of reach: a page on `CLIENT_PORT`, for as long as it may. */
const PAGE = "require('http').createServer((q, r) => r.end('page')).listen(process.env.CLIENT_PORT)";

/** An image of node that runs one script; its tag is the world's own. */
async function commitImage(engine: Engine, tag: string, script: string): Promise<string> {
  const created = await engineRequest(
    engine,
    'POST',
    '/containers/create',
    JSON.stringify({ Image: FIXTURE_IMAGE }),
  );
  const { Id } = (await created.json()) as { Id: string };
  // Podman goes by the changes only, not by a configuration in the body.
  const changes = encodeURIComponent(`ENTRYPOINT ${JSON.stringify(['/bin/node', '-e', script])}`);
  const path = `/commit?container=${Id}&repo=localhost/thv-test/inspector&tag=${tag}&changes=${changes}`;
  const committed = await engineRequest(engine, 'POST', path, '{}');
  if (!committed.ok) throw new Error(`commit: ${await committed.text()}`);
  await engine.remove(Id);
  return `localhost/thv-test/inspector:${tag}`;
}

onEachEngine((engine) => {
  test('thv inspector runs the inspector beside a workload', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const image = await commitImage(engine, name, PAGE);
    const ended = await commitImage(engine, `${name}-ended`, 'process.exit(3)');
    await using _images = {
      async [Symbol.asyncDispose]() {
        await engine.remove('inspector');
        await engine.forget(image);
        await engine.forget(ended);
      },
    };
    const env = { TOOLHIVE_INSPECTOR_IMAGE: image };
    const [ui, proxy] = [freePort(), freePort()];
    const args = ['--ui-port', String(ui), '--mcp-proxy-port', String(proxy)];
    const inspector = (given = env) => world.thv(['inspector', name, ...args], { env: given });

    expect((await inspector()).stderr).toStartWith(
      `Error: failed to find server: server with name ${name} not found`,
    );
    await world.ok(['run', EVERYTHING_IMAGE, '--name', name, '--transport', 'stdio', '--wait']);
    const failed = await inspector({ TOOLHIVE_INSPECTOR_IMAGE: ended });
    expect([failed.exitCode, failed.stdout, failed.stderr.split('\n').at(-2)]).toEqual([
      1,
      '',
      'Error: the inspector ended before it served its page (exit code 3)',
    ]);
    expect(await engine.inspect('inspector')).toBeUndefined();

    const { stdout, exitCode } = await inspector();
    expect(exitCode).toBe(0);
    const port = (await world.find(name))?.port;
    const token = /MCP_PROXY_AUTH_TOKEN=([0-9a-f]{64})&/.exec(stdout)?.[1];
    expect(stdout).toBe(
      `Inspector UI is now available at http://localhost:${ui}?transport=sse&serverUrl=http://host.docker.internal:${port}/sse&MCP_PROXY_AUTH_TOKEN=${token}&MCP_PROXY_PORT=${proxy}\n`,
    );
    const container = await engine.inspect('inspector');
    expect(container?.Config.Env).toContain(`MCP_PROXY_AUTH_TOKEN=${token}`);
    expect(container?.HostConfig.PortBindings).toEqual({
      [`${ui}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(ui) }],
      [`${proxy}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(proxy) }],
    });
    expect(container?.Config.Labels).toMatchObject({ toolhive: 'true', 'toolhive-auxiliary': 'true' });
    expect((await world.find('inspector'))?.status).toBe('running');
    expect((await inspector()).stderr).toContain('Error: an inspector is already running');

    await world.ok(['rm', 'inspector']);
    expect(await engine.inspect('inspector')).toBeUndefined();

    const remote = world.name('remote');
    await world.ok(['run', `http://127.0.0.1:${port}`, '--name', remote, '--wait']);
    const page = await world.ok(['inspector', remote, ...args], { env });
    const remotePort = (await world.find(remote))?.port;
    expect(page).toContain(
      `?transport=streamable-http&serverUrl=http://host.docker.internal:${remotePort}/&MCP_PROXY_AUTH_TOKEN=`,
    );
    await world.ok(['rm', 'inspector', remote]);

    using _busy = occupyPort(ui);
    expect((await inspector()).stderr).toContain(
      `Error: port ${ui} is not available. Hint: choose another one with --ui-port\n`,
    );
    await world.ok(['stop', name]);
    expect((await inspector()).stderr).toStartWith(`Error: server ${name} is not running`);
  });
});
