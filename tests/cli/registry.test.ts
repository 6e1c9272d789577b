import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startIssuer } from '../registry/issuer.ts';
import { serverJson, startRegistryServer } from '../registry/registry-server.ts';
import { type Home, openHome, THV_BINARY, warnWithoutBinary } from './thv.ts';

warnWithoutBinary('tests/cli/registry');

const PUBLISHER = 'io.modelcontextprotocol.registry/publisher-provided';
const extension = (key: string, facts: object) => ({
  _meta: { [PUBLISHER]: { 'io.github.stacklok': { [key]: facts } } },
});

const SERVERS = [
  serverJson('io.github.b/web', {
    description:
      'Looks things   up\non the web, in far more words than a table of fifty columns has room for',
    packages: [
      {
        registryType: 'oci',
        identifier: 'img/web:1',
        transport: { type: 'sse', url: 'http://localhost:8080' },
        environmentVariables: [
          { name: 'KEY', description: 'The key', isRequired: true, isSecret: true },
          { name: 'MODE', description: 'How', default: 'fast' },
        ],
      },
    ],
    repository: { url: 'https://example.com/web', source: 'github' },
    ...extension('img/web:1', {
      status: 'Active',
      tier: 'Official',
      tools: ['look', 'up'],
      tags: ['internet', 'search'],
      metadata: { stars: 12, last_updated: '2026-01-01T00:00:00Z' },
      custom_metadata: { zeta: 'last', alpha: { n: 1 } },
      permissions: {
        read: ['/data'],
        write: ['/out'],
        network: {
          outbound: { insecure_allow_all: true, allow_host: ['a.com', '.b.com'], allow_port: [80, 443] },
        },
      },
      provenance: { repository_uri: 'https://example.com/web' },
    }),
  }),
  serverJson('io.github.a/old', {
    description: 'Old',
    ...extension('x', { status: 'deprecated', tier: 'Community' }),
  }),
  serverJson('io.github.c/far', {
    packages: undefined,
    description: 'Far away \u001b[31mred',
    remotes: [
      {
        type: 'sse',
        url: 'https://far.example/sse',
        headers: [{ name: 'X-Key', description: 'Key', isRequired: true, default: 'd' }],
      },
    ],
    ...extension('x', {
      status: 'Active',
      oauth_config: { issuer: 'https://i.example', client_id: 'c', scopes: ['a', 'b'] },
    }),
  }),
  serverJson('io.github.x/twin'),
  serverJson('io.github.y/twin'),
];
const REGISTRY = {
  version: '1.0.0',
  meta: { last_updated: '2026-01-31T00:00:00Z' },
  data: { servers: SERVERS },
};

async function openRegistryHome(document: object = REGISTRY): Promise<Home & { readonly file: string }> {
  const home = await openHome();
  const file = join(home.path, 'registry.json');
  await writeFile(file, JSON.stringify(document));
  const { exit, stdout, stderr } = await home.thv(['config', 'set-registry', file]);
  expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: '', stderr: '' });
  return Object.assign(home, { file });
}

const fails = (stderr: string) => ({ exit: 1, stdout: '', stderr: `Error: ${stderr}` });
const says = (stdout: string, stderr = '') => ({ exit: 0, stdout, stderr });

describe.skipIf(THV_BINARY === undefined)('thv registry', () => {
  test('list shows all, sorted by name', async () => {
    await using home = await openRegistryHome();
    expect(await home.thv(['registry', 'list'])).toEqual(
      says(`NAME               TYPE        DESCRIPTION                                          TIER        STARS
io.github.a/old    container   **DEPRECATED** Old                                   Community   0
io.github.b/web    container   Looks things up on the web, in far more words t...   Official    12
io.github.c/far    remote      Far away [31mred                                                 0
io.github.x/twin   container   About io.github.x/twin                                           0
io.github.y/twin   container   About io.github.y/twin                                           0
`),
    );
    expect((await home.thv(['registry', 'ls'])).exit).toBe(0);
  });

  test('list as JSON is the same entries in full', async () => {
    await using home = await openRegistryHome();
    const { stdout } = await home.thv(['registry', 'list', '--format', 'json']);
    const entries = JSON.parse(stdout);
    expect(entries.map(({ name }: { name: string }) => name)).toEqual(
      SERVERS.map((server) => ('name' in server ? String(server.name) : '')).toSorted(),
    );
    expect(stdout).toStartWith('[\n  {\n    "name": "io.github.a/old",');
  });

  test('list counts what it cannot use, --debug says why', async () => {
    const broken = { name: 'io.github.a/npm', packages: [{ registryType: 'npm' }] };
    await using home = await openRegistryHome({ data: { servers: [...SERVERS, broken] } });
    const { stderr } = await home.thv(['registry', 'list']);
    expect(stderr).toBe('1 entry skipped, which this program cannot run; --debug tells why\n');
    const { stderr: log } = await home.thv(['registry', 'list', '--debug']);
    expect(log).toContain('"server":"io.github.a/npm","reason":"has no OCI package (found: npm)"');
  });

  test('info of a container', async () => {
    await using home = await openRegistryHome();
    expect(await home.thv(['registry', 'info', 'web'])).toEqual(
      says(`Name: io.github.b/web
Type: container
Description: Looks things   up on the web, in far more words than a table of fifty columns has room for
Tier: Official
Status: Active
Transport: sse
Image: img/web:1
Target Port: 8080
Has Provenance: Yes

Permissions:
  Read:
    - /data
  Write:
    - /out
  Network:
    Insecure Allow All: true
    Allow Host: a.com, .b.com
    Allow Port: 80, 443
Repository URL: https://example.com/web
Popularity: 12 stars
Last Updated: 2026-01-01T00:00:00Z

Tools:
  - look
  - up

Environment Variables:
  - KEY (required): The key
  - MODE [default: fast]: How

Tags:
  internet, search

Custom Metadata:
  alpha: {"n":1}
  zeta: last

Example Command:
  thv run web
`),
    );
  });

  test('info of a remote server, without what would steer the terminal', async () => {
    await using home = await openRegistryHome();
    expect(await home.thv(['registry', 'info', 'io.github.c/far'])).toEqual(
      says(`Name: io.github.c/far
Type: remote
Description: Far away  [31mred
Tier:
Status: Active
Transport: sse
URL: https://far.example/sse

Headers:
  - X-Key (required) [default: d]: Key

OAuth Configuration:
  Issuer: https://i.example
  Client ID: c
  Scopes: a, b
Popularity: 0 stars
Last Updated: N/A

Example Command:
  thv run io.github.c/far
`),
    );
  });

  test('info as JSON', async () => {
    await using home = await openRegistryHome();
    const { stdout } = await home.thv(['registry', 'info', 'io.github.x/twin', '--format', 'json']);
    expect(JSON.parse(stdout)).toEqual({
      name: 'io.github.x/twin',
      description: 'About io.github.x/twin',
      tier: '',
      status: '',
      transport: 'stdio',
      tools: null,
      image: 'img/twin:1',
    });
  });

  test('the built-in one needs nothing set up', async () => {
    await using home = await openHome();
    const info = await home.thv(['registry', 'info', 'fetch']);
    expect(info).toMatchObject({ exit: 0, stderr: '' });
    expect(info.stdout).toContain('fetch');
    expect(info.stdout.toLowerCase()).toContain('tools');
    expect(
      JSON.parse((await home.thv(['registry', 'info', 'fetch', '--format', 'json'])).stdout).name,
    ).toContain('fetch');
  });

  const bad: readonly (readonly [readonly string[], string])[] = [
    [
      ['registry', 'info', 'wep'],
      "failed to get server information: server not found: wep. Hint: did you mean web? use 'thv registry list' to see available servers\n",
    ],
    [
      ['registry', 'info', 'twin'],
      "failed to get server information: multiple servers match 'twin': io.github.x/twin, io.github.y/twin — use the full name\n",
    ],
    [['registry', 'info'], 'accepts 1 arg(s), received 0\n'],
    [['registry', 'list', 'x'], 'unknown command "x" for "thv registry list"\n'],
    [['registry', 'list', '--format', 'yaml'], 'invalid format "yaml", must be one of: json, text\n'],
    [['registry', 'info', 'x', '--format', 'yaml'], 'invalid format "yaml", must be one of: json, text\n'],
    [['registry', 'frob'], 'unknown command "frob" for "thv registry"\n'],
    [['registry', 'login', 'x'], 'unknown command "x" for "thv registry login"\n'],
    [['registry', 'logout', 'x'], 'unknown command "x" for "thv registry logout"\n'],
    [['search'], 'accepts 1 arg(s), received 0\n'],
    [['search', 'x', '--format', 'yaml'], 'invalid format "yaml", must be one of: json, text\n'],
  ];
  test.each(bad)('%j fails', async (args, stderr) => {
    await using home = await openRegistryHome();
    expect(await home.thv(args)).toEqual(fails(stderr));
  });

  test('a registry that is not reachable is an error, never another registry', async () => {
    await using home = await openHome();
    const server = startRegistryServer();
    await home.thv(['config', 'set-registry', server.url, '-p']);
    await server[Symbol.asyncDispose]();
    const { exit, stdout, stderr } = await home.thv(['registry', 'list']);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toStartWith(
      `Error: failed to list servers: custom registry API at ${server.url} is not reachable: upstream registry at ${server.url} is unavailable: `,
    );
  });

  test('--refresh asks an API again', async () => {
    await using home = await openHome();
    await using server = startRegistryServer(SERVERS);
    await home.thv(['config', 'set-registry', server.url, '-p']);
    const lists = () => server.requests.filter((request) => request.includes('limit=100')).length;
    await home.thv(['registry', 'list']);
    await home.thv(['registry', 'info', 'web']);
    await home.thv(['search', 'web']);
    expect(lists()).toBe(1);
    await home.thv(['registry', 'list', '--refresh']);
    await home.thv(['registry', 'info', 'web', '--refresh']);
    expect(lists()).toBe(3);
  });
});

describe.skipIf(THV_BINARY === undefined)('thv search', () => {
  test('shows what it finds', async () => {
    await using home = await openRegistryHome();
    expect(await home.thv(['search', 'INTERNET'])).toEqual(
      says(`Found 1 servers matching query: INTERNET
NAME              TYPE        DESCRIPTION                                          TRANSPORT   STARS
io.github.b/web   container   Looks things up on the web, in far more words t...   sse         12
`),
    );
    const { stdout } = await home.thv(['search', 'twin', '--format', 'json']);
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual([
      'io.github.x/twin',
      'io.github.y/twin',
    ]);
  });

  test('without a hit exits 0, and JSON stays JSON', async () => {
    await using home = await openRegistryHome();
    expect(await home.thv(['search', 'nothing'])).toEqual(says('No servers found matching query: nothing\n'));
    expect(await home.thv(['search', 'nothing', '--format', 'json'])).toEqual(says('[]\n'));
  });
});

describe.skipIf(THV_BINARY === undefined)('thv registry convert', () => {
  const LEGACY = {
    version: '1.0.0',
    last_updated: '2026-01-31T00:00:00Z',
    servers: { zoo: { description: 'Animals', image: 'img/zoo:1', transport: 'stdio', status: 'Active' } },
    groups: [{ name: 'g', description: 'dropped' }],
  };
  const text = JSON.stringify(LEGACY);
  const already = says('', 'Input is already in upstream format; nothing to do.\n');

  async function openFiles(content: string) {
    const home = await openHome();
    const file = join(home.path, 'r.json');
    await writeFile(file, content);
    await chmod(file, 0o664);
    return Object.assign(home, { file, read: (name: string) => Bun.file(join(home.path, name)).text() });
  }

  test('reads stdin and writes stdout, without a newline at the end', async () => {
    await using home = await openHome();
    const { exit, stdout, stderr } = await home.thv(['registry', 'convert'], { stdin: text });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toStartWith('{\n  "$schema": ');
    expect(stdout).toEndWith('\n}');
    expect(JSON.parse(stdout).data.servers[0].name).toBe('io.github.stacklok/zoo');
    expect(stdout).not.toContain('dropped');
    expect(await home.thv(['registry', 'convert'], { stdin: stdout })).toEqual(already);
  });

  test('what it writes is a registry that can be used', async () => {
    await using home = await openFiles(text);
    expect(await home.thv(['registry', 'convert', '--in', 'r.json', '--out', 'new.json'])).toEqual(says(''));
    expect((await stat(join(home.path, 'new.json'))).mode & 0o777).toBe(0o600);
    expect(await home.thv(['config', 'set-registry', 'new.json'])).toEqual(says(''));
    expect((await home.thv(['registry', 'info', 'zoo'])).stdout).toStartWith(
      'Name: io.github.stacklok/zoo\n',
    );
  });

  test('in place keeps the mode and what was there before', async () => {
    await using home = await openFiles(text);
    expect(await home.thv(['registry', 'convert', '--in', home.file, '--in-place'])).toEqual(says(''));
    expect(await home.read('r.json.bak')).toBe(text);
    expect(JSON.parse(await home.read('r.json')).data.servers).toHaveLength(1);
    for (const name of ['r.json', 'r.json.bak']) {
      expect((await stat(join(home.path, name))).mode & 0o777).toBe(0o664);
    }
    expect((await readdir(home.path)).filter((name) => name.includes('json')).toSorted()).toEqual([
      'r.json',
      'r.json.bak',
    ]);
    // The second time there is nothing to do, so the backup is in nobody's way.
    expect(await home.thv(['registry', 'convert', '--in', home.file, '--in-place'])).toEqual(already);
  });

  test('in place without a backup', async () => {
    await using home = await openFiles(text);
    expect(await home.thv(['registry', 'convert', '--in', 'r.json', '--in-place', '--no-backup'])).toEqual(
      says(''),
    );
    expect(await Bun.file(join(home.path, 'r.json.bak')).exists()).toBe(false);
  });

  test('a backup in the way changes nothing', async () => {
    await using home = await openFiles(text);
    await writeFile(join(home.path, 'r.json.bak'), 'precious');
    expect(await home.thv(['registry', 'convert', '--in', 'r.json', '--in-place'])).toEqual(
      fails('backup file r.json.bak already exists; remove it or pass --no-backup to skip the backup\n'),
    );
    expect(await home.read('r.json')).toBe(text);
    expect(await home.read('r.json.bak')).toBe('precious');
  });

  test('a long description is shortened and kept in the overview', async () => {
    await using home = await openHome();
    const long = `${'ä'.repeat(120)}`;
    const { exit, stdout, stderr } = await home.thv(['registry', 'convert'], {
      stdin: JSON.stringify({ ...LEGACY, servers: { zoo: { ...LEGACY.servers.zoo, description: long } } }),
    });
    expect(exit).toBe(0);
    expect(stderr).toBe(
      'Warning: description of zoo shortened to 100 characters, its full text is kept in the overview\n',
    );
    expect(JSON.parse(stdout).data.servers[0].description).toBe(`${'ä'.repeat(97)}...`);
    expect(stdout).toContain(`"overview": "${long}"`);
  });

  const bad: readonly (readonly [string, readonly string[], string, string | RegExp])[] = [
    ['no file for in place', ['--in-place'], text, 'Error: --in-place requires --in\n'],
    [
      'two targets',
      ['--in', 'x', '--in-place', '--out', 'y'],
      text,
      'Error: --out cannot be combined with --in-place\n',
    ],
    ['a backup of nothing', ['--no-backup'], text, 'Error: --no-backup only applies with --in-place\n'],
    ['empty input', [], '', 'Error: failed to parse legacy registry data: the input is empty\n'],
    ['half a document', [], '{"servers": {', /^Error: failed to parse legacy registry data: /],
    ['a list', [], '[]', 'Error: failed to parse legacy registry data: not a JSON object\n'],
    [
      'wrong types',
      [],
      '{"servers": {"a": {"image": 1}}}',
      /^Error: failed to parse legacy registry data: servers\.a\.image: /,
    ],
    ['a file that is not there', ['--in', 'nowhere.json'], '', /^Error: failed to read nowhere\.json: /],
    [
      'what the schema does not allow',
      [],
      JSON.stringify({
        ...LEGACY,
        version: 'one',
        servers: { zoo: { image: 'i', tier: 'Gold', tags: ['B!'] } },
      }),
      'Error: converted output does not match the upstream registry schema: version: "one" is no version; io.github.stacklok/zoo: description: 0 characters, must be 1 to 100; io.github.stacklok/zoo: i.tier: Invalid type: Expected ("Official" | "Community") but received "Gold"; io.github.stacklok/zoo: i.tags.0: bad tag "B!"\n',
    ],
  ];
  test.each(bad)('%s is refused', async (_what, args, stdin, message) => {
    await using home = await openHome();
    const { exit, stdout, stderr } = await home.thv(['registry', 'convert', ...args], { stdin });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    if (typeof message === 'string') expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
  });
});

describe.skipIf(THV_BINARY === undefined)('thv config *-registry', () => {
  const NONE = 'No custom registry is currently configured. Using built-in registry.\n';

  test('set, get and unset of a file', async () => {
    await using home = await openHome();
    expect(await home.thv(['config', 'get-registry'])).toEqual(says(NONE));
    const file = join(home.path, 'r.json');
    await writeFile(file, JSON.stringify(REGISTRY));
    expect(await home.thv(['config', 'set-registry', './r.json'])).toEqual(says(''));
    expect(await home.thv(['config', 'get-registry'])).toEqual(
      says(`Current registry: ${file} (local file)\n`),
    );
    await Bun.file(file).delete();
    const { stdout } = await home.thv(['config', 'get-registry']);
    expect(stdout).toStartWith(
      `Current registry: ${file} (local file)\nWarning: The configured local registry file is not accessible: ENOENT`,
    );
    expect(await home.thv(['config', 'unset-registry'])).toEqual(says(''));
    expect(await home.thv(['config', 'get-registry'])).toEqual(says(NONE));
    expect(await home.thv(['config', 'get-registry', '--format', 'json'])).toEqual(
      says('{\n  "type": "default",\n  "source": null\n}\n'),
    );
  });

  test('an API and a file behind a URL, in a private network', async () => {
    await using home = await openHome();
    await using server = startRegistryServer();
    const caution =
      'Caution: allowing registry URLs containing private IP addresses may decrease your security.\n';
    const set = await home.thv(['config', 'set-registry', server.url, '--allow-private-ip']);
    expect(set.stdout).toStartWith(caution);
    expect(set.stdout.split('\n')).toHaveLength(3);
    expect((await home.thv(['config', 'get-registry'])).stdout).toBe(
      `Current registry: ${server.url} (API endpoint)\n`,
    );
    server.intercept = () => Response.json(REGISTRY);
    await home.thv(['config', 'set-registry', '-p', `${server.url}/r.json`]);
    expect((await home.thv(['config', 'get-registry'])).stdout).toBe(
      `Current registry: ${server.url}/r.json (remote file)\n`,
    );
  });

  test.each([
    [['set-registry'], 'accepts 1 arg(s), received 0\n'],
    [['unset-registry', 'x'], 'unknown command "x" for "thv config unset-registry"\n'],
    [['get-registry', 'x'], 'unknown command "x" for "thv config get-registry"\n'],
    [
      ['set-registry', 'http://example.com/r.json'],
      'failed to set url: failed to set remote registry: invalid registry URL: URL must start with https:// when not allowing private IPs\n',
    ],
    [
      ['set-registry', 'https://10.0.0.1/r.json'],
      'connection failed\nhttps://10.0.0.1/r.json could not be reached. Check the URL and the network; an address in a private network needs --allow-private-ip.\nOriginal error: the provided URL redirects to a private IP address, which is not allowed\n',
    ],
    [
      ['set-registry', 'x', '--issuer', 'https://i'],
      'if any flags in the group [issuer client-id] are set they must all be set; missing [client-id]\n',
    ],
  ])('%j fails', async (args, stderr) => {
    await using home = await openHome();
    expect(await home.thv(['config', ...args])).toEqual(fails(stderr));
  });

  test('the deprecated ways to a login', async () => {
    await using home = await openHome();
    await using issuer = await startIssuer();
    await using server = startRegistryServer();
    const set = ['config', 'set-registry-auth', '--issuer', issuer.url, '--client-id', 'thv'];
    const deprecated =
      'Command "set-registry-auth" is deprecated, use \'thv config set-registry\' with --issuer and --client-id\n';
    expect(await home.thv(set)).toEqual({
      exit: 1,
      stdout: '',
      stderr: `${deprecated}Error: no registry URL is configured; use 'thv config set-registry' with --issuer and --client-id flags instead\n`,
    });
    await home.thv(['config', 'set-registry', '-p', server.url]);
    expect(await home.thv(set)).toEqual(says('', deprecated));
    const config = () => Bun.file(join(home.path, 'config/toolhive/config.yaml')).text();
    expect(await config()).toContain(`issuer: ${issuer.url}`);
    expect((await home.thv(['config', 'unset-registry-auth'])).exit).toBe(0);
    expect(await config()).not.toContain('registry_auth');
    expect(await config()).toContain(server.url);
  });
});

describe.skipIf(THV_BINARY === undefined)('thv registry login', () => {
  const NO_SECRETS =
    "getting secrets provider type: secrets provider not configured. Please run 'thv secret setup' to configure a secrets provider first\n";
  const withSecrets = { TOOLHIVE_SECRETS_PASSWORD: 'pw' };

  async function openSecretsHome(config = '') {
    const home = await openHome();
    await mkdir(join(home.path, 'config/toolhive'), { recursive: true });
    await writeFile(
      join(home.path, 'config/toolhive/config.yaml'),
      `secrets:\n    provider_type: encrypted\n    setup_completed: true\n${config}`,
    );
    return home;
  }

  test('needs a secrets store', async () => {
    await using home = await openHome();
    expect(await home.thv(['registry', 'login'])).toEqual(fails(NO_SECRETS));
  });

  test('names all that is missing', async () => {
    await using home = await openSecretsHome();
    expect(await home.thv(['registry', 'login'], { env: withSecrets })).toEqual(
      fails(`missing required configuration:
  --registry <url>
  --issuer <url>
  --client-id <id>
Example:
  thv registry login --registry https://registry.example.com --issuer https://auth.example.com --client-id my-client
registry authentication required: run 'thv registry login' to authenticate
`),
    );
  });

  test.each([
    ['the configured one', [], 'local_registry_path: /r.json\n', '/r.json'],
    ['the named one', ['--registry', './r.json'], '', './r.json'],
  ])('is not for files: %s', async (_what, args, config, path) => {
    await using home = await openSecretsHome(config);
    expect(await home.thv(['registry', 'login', ...args], { env: withSecrets })).toEqual(
      fails(
        `OAuth login is not supported for local file registries (path: ${path}); use a remote registry URL with --registry instead\n`,
      ),
    );
  });

  test('logout without a login is an error', async () => {
    await using home = await openSecretsHome();
    expect(await home.thv(['registry', 'logout'], { env: withSecrets })).toEqual(
      fails(
        "registry OAuth authentication is not configured; run 'thv registry login' first: registry authentication required: run 'thv registry login' to authenticate\n",
      ),
    );
  });

  test('from the first flag to the logout, with the browser of the system', async () => {
    await using issuer = await startIssuer();
    await using server = startRegistryServer();
    server.intercept = (request) =>
      request.headers.get('authorization') === null ? new Response('', { status: 401 }) : undefined;
    await using home = await openSecretsHome();
    const browser = join(home.path, 'bin/xdg-open');
    await mkdir(join(home.path, 'bin'));
    await writeFile(
      browser,
      `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dir, '../registry/fixtures/browser.ts')}' "$1" >/dev/null 2>&1 &\n`,
    );
    await chmod(browser, 0o755);
    const env = { ...withSecrets, PATH: `${join(home.path, 'bin')}:${process.env['PATH']}` };
    const login = await home.thv(
      ['registry', 'login', '-p', '--registry', server.url, '--issuer', issuer.url, '--client-id', 'thv'],
      { env },
    );
    expect(login).toMatchObject({ exit: 0, stdout: '' });
    expect(login.stderr).toMatch(
      /^Opening browser: http:\/\/127\.0\.0\.1:\d+\/auth\?\S+\nWaiting for OAuth callback \(5m0s\)\n$/,
    );
    expect((await home.thv(['registry', 'list'], { env })).stdout).toContain('io.github.a/one');
    expect(await home.thv(['registry', 'logout'], { env })).toEqual(says(''));
    expect(await home.thv(['registry', 'list'], { env })).toEqual(
      fails(
        "failed to list servers: registry authentication required: run 'thv registry login' to authenticate\n",
      ),
    );
  });
});
