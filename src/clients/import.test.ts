// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of clients are spelled like this
import { describe, expect, test } from 'bun:test';
import { type ImportedServer, planImport } from './import.ts';
import type { Entry } from './types.ts';

const FILES: Readonly<Record<string, string>> = {
  '/home/u/.key': 'from a file\n',
  '/settings/token': 'beside the settings',
  '/home/u/x.env': '# mine\nexport A=1\nAPI_KEY="quoted"\r\nEMPTY=\n',
};

function plan(entry: Entry, env = {}, name = 'my server') {
  const readText = (path: string) => {
    const text = FILES[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  };
  return planImport(new Map([[name, entry]]), env, { home: '/home/u', folder: '/settings', readText })[0];
}

const rows: readonly (readonly [string, Entry, Partial<ImportedServer>])[] = [
  [
    'npx',
    { command: 'npx', args: ['-y', '@scope/pkg@1.2.3', '--flag', 'x'] },
    { source: 'npx://@scope/pkg@1.2.3', serverArguments: ['--flag', 'x'], transport: 'stdio' },
  ],
  ['npx on Windows', { command: 'cmd', args: ['/c', 'npx', '-y', 'pkg'] }, { source: 'npx://pkg' }],
  ['a path to npx', { command: 'C:\\node\\npx.cmd', args: ['pkg'] }, { source: 'npx://pkg' }],
  ['bunx', { command: 'bunx', args: ['pkg'] }, { source: 'npx://pkg' }],
  ['uvx', { command: 'uvx', args: ['pkg', 'a'] }, { source: 'uvx://pkg', serverArguments: ['a'] }],
  ['uv tool run', { command: 'uv', args: ['tool', 'run', 'pkg'] }, { source: 'uvx://pkg' }],
  ['pipx run', { command: 'pipx', args: ['run', 'pkg'] }, { source: 'uvx://pkg' }],
  [
    'go run',
    { command: 'go', args: ['run', 'ex.com/a@v1.0.0', '-v'] },
    { source: 'go://ex.com/a@v1.0.0', serverArguments: ['-v'] },
  ],
  [
    'one list, as OpenCode has it',
    { command: ['npx', '-y', 'pkg'], environment: { A: 'b' } },
    { source: 'npx://pkg', environment: { A: 'b' } },
  ],
  [
    'an object, as Zed has it',
    { command: { path: 'uvx', args: ['pkg'], env: { A: 'b' } } },
    { source: 'uvx://pkg', environment: { A: 'b' } },
  ],
  [
    'other keys, as Goose has them',
    { cmd: 'uvx', args: ['pkg'], envs: { A: 1 } },
    { source: 'uvx://pkg', environment: { A: '1' } },
  ],
  [
    'docker run with variables, volumes, mounts, ports and a network',
    {
      command: 'docker',
      args: [
        ...['run', '-i', '--rm', '-it', '--name', 'x', '-e', 'A', '--env=B=1=2', '-eC=3', '-v', '/a:/b:ro'],
        ...[
          '--mount',
          'type=bind,src=/c,dst=/d,readonly',
          '-p',
          '80:80',
          '--network=host',
          'ex/img:1',
          '-e',
          'own',
        ],
      ],
      env: { A: 'from entry', UNUSED: 'x' },
    },
    {
      source: 'ex/img:1',
      serverArguments: ['-e', 'own'],
      environment: { A: 'from entry', B: '1=2', C: '3' },
      volumes: ['/a:/b:ro', '/c:/d:ro'],
      publish: ['80:80'],
      networkMode: 'host',
    },
  ],
  ['podman container run', { command: 'podman', args: ['container', 'run', 'img'] }, { source: 'img' }],
  [
    'a URL',
    { url: 'https://example.com/mcp', type: 'http' },
    { source: 'https://example.com/mcp', transport: 'streamable-http' },
  ],
  ['a URL of SSE', { serverUrl: 'https://example.com/x', type: 'sse' }, { transport: 'sse' }],
  ['a URL that ends in sse', { url: 'https://example.com/sse' }, { transport: 'sse' }],
];

const refused: readonly (readonly [string, Entry, string | RegExp])[] = [
  ['nothing', {}, 'it has neither a command nor a URL'],
  ['a program of this machine', { command: '/usr/bin/foo' }, /^'foo' runs a program of this machine; /],
  ['npx without a package', { command: 'npx', args: ['-y'] }, 'no package is named behind npx'],
  [
    'npx with another option',
    { command: 'npx', args: ['-p', 'a', 'b'] },
    'npx is called with -p, which has no counterpart',
  ],
  [
    'uvx --from',
    { command: 'uvx', args: ['--from', 'git+https://x', 'y'] },
    'uvx is called with --from, which has no counterpart',
  ],
  [
    'docker with an option that may keep it in bounds',
    { command: 'docker', args: ['run', '--user', '1000', 'img'] },
    'docker run is called with --user, which has no counterpart',
  ],
  [
    'docker with a variable nobody set',
    { command: 'docker', args: ['run', '-e', 'NOPE', 'img'] },
    'it passes on the variable NOPE, which is not set',
  ],
  ['docker without an image', { command: 'docker', args: ['run', '--rm'] }, 'docker run names no image'],
  ['docker exec', { command: 'docker', args: ['exec', 'x'] }, "'docker exec' runs no image of its own"],
  [
    'a named volume mount',
    { command: 'docker', args: ['run', '--mount', 'type=tmpfs,dst=/x', 'img'] },
    "the mount 'type=tmpfs,dst=/x' has no counterpart",
  ],
  [
    'a placeholder in a variable',
    { command: 'npx', args: ['p'], env: { T: '${input:t}' } },
    'its variable T holds ${input:t}, which only the client can fill in',
  ],
  ['another scheme', { url: 'ws://x' }, 'its URL is not an HTTP URL'],
];

describe('what becomes a workload', () => {
  test.each(rows)('%s', (_sentence, entry, server) => {
    expect(plan(entry)).toMatchObject({ entry: 'my server', server: { name: 'my-server', ...server } });
  });
  test.each(refused)('not: %s', (_sentence, entry, reason) => {
    expect(plan(entry)).toEqual({
      entry: 'my server',
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    });
  });
});

test.each([
  ['GITHUB_TOKEN', 'x', true],
  ['API_KEY', 'x', true],
  ['DB_PASSWORD', 'x', true],
  ['GITHUB_PAT', 'x', true],
  ['OTHER', 'ghp_abc', true],
  ['DATABASE_URL', 'postgres://u:p@h/db', true],
  ['API_KEY', '', false],
  ['PATH_PREFIX', '/x', false],
  ['MODE', 'fast', false],
])('%s=%s is a secret: %p', (name, value, isSecret) => {
  const found = plan({ command: 'npx', args: ['p'], env: { [name]: value } });
  expect(found).toMatchObject({ server: { secretVariables: isSecret ? [name] : [] } });
});

const ENV = { TOKEN: 'planted', MODE: 'fast', HOME: '/home/u', EMPTY: '', PWD: '/here' };
const npx = (more: Entry): Entry => ({ command: 'npx', args: ['p'], ...more });
const remote = (more: Entry): Entry => ({ url: 'https://x/mcp', ...more });
const docker = (...args: readonly string[]): Entry => ({ command: 'docker', args: ['run', ...args, 'img'] });

test.each<readonly [string, Entry, Partial<ImportedServer>]>([
  [
    'a bearer token of Codex',
    remote({ bearer_token_env_var: 'TOKEN' }),
    { headers: { Authorization: 'Bearer planted' }, secretHeaders: ['Authorization'] },
  ],
  [
    'a bearer token of Kimi Code',
    remote({ transport: 'sse', bearerTokenEnvVar: 'TOKEN' }),
    { transport: 'sse', secretHeaders: ['Authorization'] },
  ],
  [
    'headers of Codex, plain and by variable',
    remote({ http_headers: { 'X-Mode': 'a' }, env_http_headers: { 'X-Other': 'MODE' } }),
    { headers: { 'X-Mode': 'a', 'X-Other': 'fast' }, secretHeaders: ['X-Other'] },
  ],
  [
    'variables that Codex passes on, by name or with where they are from',
    npx({ env_vars: ['MODE', { name: 'TOKEN', source: 'local' }] }),
    { environment: { MODE: 'fast', TOKEN: 'planted' }, secretVariables: ['TOKEN'] },
  ],
  [
    'secrets of Goose that are set here too',
    { cmd: 'npx', args: ['p'], envs: { A: 'b' }, env_keys: ['MODE'], type: 'stdio', enabled: true },
    { environment: { A: 'b', MODE: 'fast' }, secretVariables: ['MODE'] },
  ],
  [
    'an envFile, which what stands in the entry wins over',
    npx({ envFile: '${userHome}/x.env', env: { A: '2' } }),
    { environment: { A: '2', API_KEY: 'quoted', EMPTY: '' }, secretVariables: ['API_KEY'] },
  ],
  [
    'headers of Continue',
    remote({ requestOptions: { headers: { 'X-Api-Key': 'k' }, timeout: 5, verifySsl: true } }),
    { headers: { 'X-Api-Key': 'k' }, secretHeaders: ['X-Api-Key'], leftOut: ['timeout'] },
  ],
  [
    'headers of Copilot for JetBrains',
    remote({ requestInit: { headers: { Authorization: 'Bearer k' } } }),
    { headers: { Authorization: 'Bearer k' }, secretHeaders: ['Authorization'] },
  ],
  [
    'the transport in an object, as Cline has it',
    { transport: { type: 'sse', url: 'https://x/y', headers: { A: '${TOKEN}' } }, disabled: false },
    { source: 'https://x/y', transport: 'sse', headers: { A: 'planted' }, secretHeaders: ['A'] },
  ],
  ...['$TOKEN', '${TOKEN}', '${env:TOKEN}', '{env:TOKEN}', '%TOKEN%', '${NOPE:-planted}'].map(
    (placeholder): readonly [string, Entry, Partial<ImportedServer>] => [
      `${placeholder} in a variable and in a header`,
      npx({ env: { A: `x-${placeholder}` } }),
      {
        environment: { A: 'x-planted' },
        secretVariables: placeholder.includes('NOPE') ? [] : ['A'],
      },
    ],
  ),
  [
    '{file:…} beside the settings, at home and anywhere',
    npx({ env: { A: '{file:token}', B: '{file:~/.key}', C: '{file:/home/u/.key}' } }),
    {
      environment: { A: 'beside the settings', B: 'from a file', C: 'from a file' },
      secretVariables: ['A', 'B', 'C'],
    },
  ],
  ['a variable that is set to nothing', npx({ env: { A: '$EMPTY' } }), { environment: { A: '' } }],
  [
    'what is no placeholder',
    npx({ env: { A: '100% of 5% $', B: '$1', C: '{"env":1}', D: 'a%20b%' } }),
    { environment: { A: '100% of 5% $', B: '$1', C: '{"env":1}', D: 'a%20b%' } },
  ],
  ['an escaped URL', remote({ url: 'https://x/%AB%CD%20' }), { source: 'https://x/%AB%CD%20' }],
  [
    'a placeholder in an argument that is no secret',
    { command: 'npx', args: ['p', '${userHome}/x', '$MODE'] },
    { serverArguments: ['/home/u/x', 'fast'] },
  ],
  ['a folder at home', docker('-v', '~/x:/data:rw'), { volumes: ['/home/u/x:/data'] }],
  [
    'a folder that is read only',
    docker('-v', '${HOME}/x:/data:ro,cached'),
    { volumes: ['/home/u/x:/data:ro'] },
  ],
  ['a folder of Windows', docker('-v', 'C:\\x:/data:rw'), { volumes: ['C:\\x:/data'] }],
  ['a long mount at home', docker('--mount', 'type=bind,src=~/x,dst=/d'), { volumes: ['/home/u/x:/d'] }],
  ['a volume of the engine', docker('-v', 'data:/data:rw'), { volumes: ['volume://data:/data'] }],
  [
    'one that is read only',
    docker('--mount', 'type=volume,src=data,dst=/d,ro'),
    { volumes: ['volume://data:/d:ro'] },
  ],
  [
    'variables of docker run: a file under what is set one by one',
    docker('--env-file', '~/x.env', '-e', 'A=$MODE', '-e', 'T=${TOKEN}'),
    {
      environment: { A: 'fast', API_KEY: 'quoted', EMPTY: '', T: 'planted' },
      secretVariables: ['API_KEY', 'T'],
    },
  ],
  ['tools that alone are wanted, as Goose says it', npx({ available_tools: ['a'] }), { tools: ['a'] }],
  ['tools that alone are wanted', npx({ includeTools: ['a', 'b'] }), { tools: ['a', 'b'] }],
  ['all tools, as Copilot says it', npx({ tools: ['*'] }), { tools: [] }],
  [
    'keys that stay with the client',
    npx({ timeout: 60, alwaysAllow: ['x'], disabled: false, cwd: '', description: 'd', oauth: null, odd: 1 }),
    { leftOut: ['timeout', 'alwaysAllow', 'odd'] },
  ],
  [
    'a type that says HTTP where the path says SSE',
    remote({ url: 'https://x/sse', type: 'http' }),
    { transport: 'streamable-http' },
  ],
])('taken over: %s', (_sentence, entry, server) => {
  expect(plan(entry, ENV)).toMatchObject({ server });
});

test.each<readonly [string, Entry, string | RegExp]>([
  [
    'a bearer token that is not set',
    remote({ bearer_token_env_var: 'NOPE' }),
    'it sends the variable NOPE as a header, which is not set',
  ],
  [
    'a header by a variable that is empty',
    remote({ env_http_headers: { A: 'EMPTY' } }),
    'it sends the variable EMPTY as a header, which is not set',
  ],
  [
    'a variable passed on that is not set',
    npx({ env_vars: ['NOPE'] }),
    'it passes on the variable NOPE, which is not set',
  ],
  [
    'a secret in the keyring of Goose',
    npx({ env_keys: ['NOPE'] }),
    /^its variable NOPE is among Goose's own secrets, /,
  ],
  [
    'an envFile of the workspace',
    npx({ envFile: '${workspaceFolder}/.env' }),
    'its envFile holds ${workspaceFolder}, which only the client can fill in',
  ],
  [
    'an envFile beside nobody knows what',
    npx({ envFile: '.env' }),
    'its envFile is .env, relative to a folder that only the client knows',
  ],
  ['an envFile that is not there', npx({ envFile: '/nope' }), 'its envFile /nope cannot be read'],
  [
    'a file that is not there',
    npx({ env: { A: '{file:/nope}' } }),
    'its variable A holds {file:/nope}, a file that cannot be read',
  ],
  ...['$NOPE', '${NOPE}', '${env:NOPE}', '{env:NOPE}', '%NOPE%', 'a$NOPE.b'].map(
    (text): readonly [string, Entry, RegExp] => [
      `${text} that is not set`,
      remote({ headers: { A: text } }),
      /^its header A holds \S+, and NOPE is not set here$/,
    ],
  ),
  ...[
    '${input:t}',
    '${workspaceFolder}',
    '${{ secrets.T }}',
    '$(cat t)',
    '$PWD',
    '${config:a.b}',
    '${command:x}',
  ].map((text): readonly [string, Entry, string] => [
    text,
    npx({ env: { A: text } }),
    `its variable A holds ${text}, which only the client can fill in`,
  ]),
  [
    'a secret on the command line',
    { command: 'npx', args: ['p', '--token=$TOKEN'] },
    /^its command line holds \$TOKEN, a secret that would be kept in plain sight; /,
  ],
  [
    'a secret in the URL',
    remote({ url: 'https://x/mcp?k=${TOKEN}' }),
    /^its URL holds \$\{TOKEN\}, a secret /,
  ],
  [
    'what is neither folder nor volume',
    docker('-v', 'a/b:/data'),
    "its volume 'a/b:/data' is neither a folder nor a volume of the engine",
  ],
  [
    'a mount of memory',
    docker('--mount', 'type=tmpfs,dst=/x'),
    "the mount 'type=tmpfs,dst=/x' has no counterpart",
  ],
  ['a volume without a name', docker('-v', '/data'), "its volume '/data' has no folder of this machine"],
  [
    'a folder that is relative',
    docker('-v', './x:/data'),
    "its volume './x:/data' is relative to a folder that only the client knows",
  ],
  [
    'a label of SELinux',
    docker('-v', '/x:/data:Z'),
    "its volume '/x:/data:Z' has the option 'Z', which has no counterpart",
  ],
  [
    'a file of variables that is not there',
    docker('--env-file', '/nope'),
    'its --env-file /nope cannot be read',
  ],
  ['a server that is switched off', npx({ disabled: true }), 'it is switched off in the settings'],
  ['a server that is not switched on', npx({ enabled: false }), 'it is switched off in the settings'],
  [
    'a working folder',
    npx({ cwd: '/x' }),
    "it has 'cwd', which has no counterpart: a workload has no folder of this machine to run in",
  ],
  ['a login', remote({ oauth: { clientId: 'x' } }), /^it has 'oauth', which has no counterpart: /],
  [
    'a program that makes headers',
    remote({ headersHelper: '/x' }),
    /^it has 'headersHelper', which has no counterpart: /,
  ],
  [
    'tools that are hidden',
    npx({ excludeTools: ['a'] }),
    "it has 'excludeTools', which has no counterpart: name those it is to have with 'thv run --tools'",
  ],
  [
    'tools with conditions',
    npx({ includeTools: ['a(b)'] }),
    'its includeTools has "a(b)", which is no tool\'s name',
  ],
  [
    'certificates that are not verified',
    remote({ requestOptions: { verifySsl: false } }),
    /^it has 'verifySsl', which has no counterpart: /,
  ],
  [
    'a header of the connection',
    remote({ headers: { Host: 'x' } }),
    'header "Host" is restricted and cannot be configured for forwarding',
  ],
  [
    'a header with a line end',
    remote({ headers: { A: 'a\nb' } }),
    'its header A cannot be sent: it holds control characters',
  ],
  ['a variable that is an object', npx({ env: { A: { b: 1 } } }), 'its variable A is no plain value'],
  ['a socket', remote({ type: 'ws' }), "it is reached over 'ws'"],
])('refused by name: %s', (_sentence, entry, reason) => {
  const found = plan(entry, ENV);
  expect(found).toEqual({
    entry: 'my server',
    reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
  });
  expect(JSON.stringify(found)).not.toContain('planted');
});

test.each([
  ['天気', npx({}), 'workload'],
  ['天気', npx({ args: ['@scope/weather-mcp@1.2.3'] }), 'weather-mcp'],
  ['Погода', { command: 'uvx', args: ['weather_py'] }, 'weather_py'],
  ['الطقس', docker(), 'img'],
  ['🌦', remote({}), 'workload'],
  ['🌦', remote({ url: 'https://weather.example/mcp' }), 'weather.example'],
  ['天気-fetcher', npx({}), 'fetcher'],
  ['wetterübersicht', npx({}), 'wetterubersicht'],
  ['__x', npx({ args: ['pkg'] }), 'pkg'],
  ['-fetch', npx({}), 'fetch'],
])('%s is proposed a name of letters that a workload can have', (name, entry, proposed) => {
  expect(plan(entry, ENV, name)).toMatchObject({ server: { name: proposed } });
});

test('names that every object has are names like others', () => {
  const names = ['constructor', '__proto__', 'toString'];
  const entry = JSON.parse(
    '{"command":"npx","args":["p"],"env":{"__proto__":"a","constructor":"b"},"toString":1}',
  );
  expect(plan(entry)).toMatchObject({
    server: { environment: JSON.parse('{"__proto__":"a","constructor":"b"}'), leftOut: ['toString'] },
  });
  for (const name of names)
    expect(plan(docker('-e', name))).toEqual({
      entry: 'my server',
      reason: `it passes on the variable ${name}, which is not set`,
    });
  expect(plan(docker('-e', '__proto__=a'))).toMatchObject({
    server: { environment: JSON.parse('{"__proto__":"a"}') },
  });
});

test('two entries never get the same name', () => {
  const plans = planImport(
    new Map([
      ['a b', npx({})],
      ['a-b', npx({})],
      ['a/b', npx({})],
    ]),
    {},
  );
  expect(plans.map((found) => 'server' in found && found.server.name)).toEqual(['a-b', 'a-b-2', 'a-b-3']);
});
