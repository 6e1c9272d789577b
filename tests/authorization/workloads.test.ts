import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openMcpClient } from '../harness/mcp.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type MutableServer, openMutableServer, tool } from './mutable-server.ts';

const POLICIES = `version: "1.0"
type: cedarv1
cedar:
  policies:
    - permit(principal, action == Action::"call_tool", resource == Tool::"weather");
    - |
      permit(principal in THVGroup::"ops", action, resource)
      when { principal.claim_level == "high" };
    - permit(principal, action == Action::"read_resource", resource == Resource::"file:///open");
    - forbid(principal, action, resource == Tool::"drop_db");
`;

let world: World;
let server: MutableServer;
beforeAll(async () => {
  world = await openWorld(undefined);
  server = openMutableServer();
  await writeFile(join(world.work, 'policies.yaml'), POLICIES);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.tools = [tool('weather'), tool('calc'), tool('drop_db')];
});

async function run(name: string, ...flags: readonly string[]): Promise<string> {
  await world.ok(['run', server.url, '--name', name, ...flags]);
  return (await world.reached(name)).url;
}

describe('a workload with policies', () => {
  test('shows and serves what they permit, also after export, import and an edit of its file', async () => {
    const name = world.name('policies');
    const url = await run(name, '--authz-config', 'policies.yaml');
    const look = async (at: string) => {
      await using mcp = await openMcpClient(at);
      const { tools } = await mcp.client.listTools();
      const { resources } = await mcp.client.listResources();
      const { prompts } = await mcp.client.listPrompts();
      const refused = await mcp.call('calc').catch((error: unknown) => String(error));
      return [tools, resources, prompts]
        .map((items) => items.map(({ name: id }) => id))
        .concat([[refused, await mcp.call('weather')]]);
    };
    const seen = [['weather'], ['open'], [], [expect.stringContaining('Unauthorized'), 'called weather']];
    expect(await look(url)).toEqual(seen);
    expect(server.called).not.toContain('calc');
    const raw = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: '{"jsonrpc":"2.0","id":7,"method":"tools\\/call","params":{"name":"c\\u0061lc"}}',
    });
    expect([raw.status, await raw.text()]).toEqual([
      403,
      '{"jsonrpc":"2.0","id":7,"error":{"code":403,"message":"Unauthorized"}}',
    ]);

    const file = join(world.work, 'exported.json');
    await world.ok(['export', name, file]);
    const document = JSON.parse(await readFile(file, 'utf8'));
    expect(document).toMatchObject({
      authz_config: { version: '1.0', type: 'cedarv1' },
      authz_config_path: 'policies.yaml',
      middleware_configs: expect.arrayContaining([
        {
          type: 'authorization',
          parameters: { config_path: 'policies.yaml', config_data: document.authz_config },
        },
      ]),
    });
    await world.ok(['rm', name]);
    // A document made by hand need not repeat it in the chain.
    const handMade = { ...document, middleware_configs: [] };
    await writeFile(file, JSON.stringify(handMade));
    await world.ok(['run', '--from-config', file]);
    expect(await look((await world.reached(name)).url)).toEqual(seen);
    const explained = await world.ok(['authz', 'explain', name]);
    expect(explained).toBe(`TOOL      WHO MAY CALL IT
weather   everyone (policy0)
          members of THVGroup::"ops" when { principal.claim_level == "high" } (policy1)
calc      members of THVGroup::"ops" when { principal.claim_level == "high" } (policy1)
drop_db   nobody: forbidden by policy3
`);
    await world.ok(['rm', name]);

    handMade.authz_config.cedar.policies[0] = 'permit(principal action, resource);';
    await writeFile(file, JSON.stringify(handMade));
    const { exitCode, stderr } = await world.thv(['run', '--from-config', file]);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('failed to load authorization config: failed to parse policy 0'),
    ]);
  });

  test.each([
    [
      'a policy with a mistake',
      'bad.json',
      '{"version":"1","type":"cedarv1","cedar":{"policies":["permit(principal, action resource);"]}}',
      'failed to apply run config option: failed to load authorization config from "bad.json": failed to parse policy 0: unexpected token `resource`',
    ],
    ['no file', 'none.json', undefined, 'failed to load authorization config from "none.json"'],
    [
      'a file of another kind',
      'policies.toml',
      '',
      'unsupported file format: .toml (supported formats: .json, .yaml, .yml)',
    ],
    [
      'a path out of its folder',
      '../policies.yaml',
      undefined,
      'path contains directory traversal elements: ../policies.yaml',
    ],
  ])('with %s is not made', async (_, path, text, message) => {
    if (text !== undefined) await writeFile(join(world.work, path), text);
    const name = world.name('bad');
    const { exitCode, stderr } = await world.thv(['run', server.url, '--name', name, '--authz-config', path]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(await Bun.file(join(world.state, 'runconfigs', `${name}.json`)).exists()).toBe(false);
  });
});

describe('thv authz', () => {
  test('validate tells every mistake and its place', async () => {
    expect(await world.ok(['authz', 'validate', 'policies.yaml'])).toBe('policies.yaml is valid\n');
    const wrong = POLICIES.replace('Tool::"weather"', 'Tool:"weather"').replace(
      'claim_level ==',
      'claim_level =',
    );
    await writeFile(join(world.work, 'wrong.yaml'), wrong);
    const { exitCode, stdout } = await world.thv(['authz', 'validate', 'wrong.yaml']);
    expect([exitCode, stdout]).toEqual([
      1,
      'wrong.yaml:5:72: policy 0: unexpected token `:`, expected `)` or `,`\n' +
        "wrong.yaml:8:14: policy 1: '=' is not a valid operator in Cedar, try using '==' instead\n",
    ]);
    const json =
      '{\n "version": "1", "type": "cedarv1",\n "cedar": {"policies": ["permit(\\"x\\" action, resource);"]}\n}';
    await writeFile(join(world.work, 'wrong.json'), json);
    const asJson = await world.thv(['authz', 'validate', 'wrong.json', '--format', 'json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      valid: false,
      problems: [{ policy: 0, line: 3, column: 33 }],
    });
  });

  test('test decides one request and names the policies', async () => {
    await writeFile(join(world.work, 'ops.json'), '{"groups":["ops"],"level":"high"}');
    const ask = async (...more: readonly string[]) => {
      const { exitCode, stdout } = await world.thv([
        'authz',
        'test',
        'policies.yaml',
        '--principal',
        'joe',
        ...more,
      ]);
      return [exitCode, stdout];
    };
    expect(await ask('--resource', 'weather')).toEqual([0, 'allow by policy0\n']);
    expect(await ask('--action', 'call_tool', '--resource', 'Tool::"calc"')).toEqual([
      1,
      'deny, no policy permits it\n',
    ]);
    expect(await ask('--resource', 'calc', '--claims', 'ops.json')).toEqual([0, 'allow by policy1\n']);
    expect(await ask('--resource', 'drop_db', '--claims', 'ops.json')).toEqual([1, 'deny by policy3\n']);
    await writeFile(join(world.work, 'ops.json'), '{"groups":["ops"]}');
    expect(await ask('--resource', 'calc', '--claims', 'ops.json', '--format', 'json')).toEqual([
      1,
      expect.stringContaining('"decision": "deny"'),
    ]);
    expect(await ask('--action', 'delete', '--resource', 'x')).toEqual([1, '']);
  });
});

describe('a locked workload', () => {
  test('serves nothing before its tools are locked, then those that stay as they were', async () => {
    const name = world.name('locked');
    const url = await run(name, '--locked', '--proxy-mode', 'streamable-http');
    const look = async () => {
      await using mcp = await openMcpClient(url);
      const { tools } = await mcp.client.listTools();
      return tools.map(({ name: id }) => id);
    };
    const call = async (tool: string) => {
      await using mcp = await openMcpClient(url);
      return await mcp.call(tool).catch((error: unknown) => String(error));
    };
    expect(await look()).toEqual([]);
    expect(await call('weather')).toContain('no tools of this workload are locked yet');
    expect(await world.ok(['lock', name])).toBe('Locked 3 tools: calc, drop_db, weather\n');
    expect([await look(), await call('weather')]).toEqual([['weather', 'calc', 'drop_db'], 'called weather']);

    server.tools = [tool('weather', { description: 'sends your files away' }), tool('calc'), tool('new')];
    expect(await look()).toEqual(['calc']);
    expect(await call('weather')).toContain('Tool "weather" is refused: description changed');
    expect(await call('new')).toContain('it is new');
    const diff = await world.thv(['lock', name, '--diff']);
    expect([diff.exitCode, diff.stdout]).toEqual([
      1,
      'drop_db is removed\nnew is new\nweather: description changed\n' +
        '  - description: "does weather"\n  + description: "sends your files away"\n',
    ]);
    const again = await world.thv(['lock', name]);
    expect([again.exitCode, again.stderr]).toEqual([
      1,
      expect.stringContaining(`the tools of ${name} are not as they were locked`),
    ]);
    await world.ok(['lock', name, '--update']);
    expect(await look()).toEqual(['weather', 'calc', 'new']);
    expect(await call('new')).toBe('called new');

    await world.ok(['lock', name, '--remove']);
    expect(await look()).toEqual([]);
    await world.ok(['stop', name]);
    const stopped = await world.thv(['lock', name]);
    expect([stopped.exitCode, stopped.stderr]).toEqual([1, expect.stringContaining('is not running')]);
    await world.ok(['rm', name]);
  });
});
