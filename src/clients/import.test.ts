import { describe, expect, test } from 'bun:test';
import { type ImportedServer, planImport } from './import.ts';
import type { Entry } from './types.ts';

function plan(entry: Entry, env = {}) {
  return planImport(new Map([['my server', entry]]), env)[0];
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
  [
    'headers',
    { url: 'https://x/mcp', headers: { Authorization: 'Bearer x' } },
    /^it sends headers of its own/,
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
