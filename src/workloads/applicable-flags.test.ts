import { describe, expect, test } from 'bun:test';
import { messageOf } from '../errors/index.ts';
import { parseRunConfig, type RunConfig } from '../records/index.ts';
import { requireApplicableKeys } from './applicable-flags.ts';
import { RULES } from './flag-rules.ts';

const CONTAINER = { image: 'example/server:1', transport: 'streamable-http', port: 1, target_port: 8080 };
const PROCESS = { ...CONTAINER, image: 'npx://example@1.0.0', runtime: 'process' };
const PYTHON = { ...PROCESS, image: 'uvx://example@1.0.0' };
const FOLDER = { ...PROCESS, image: '/home/me/server' };
const REMOTE = { ...CONTAINER, remote_url: 'https://mcp.example.com/mcp' };

const documentOf = (...parts: readonly object[]): RunConfig =>
  parseRunConfig(JSON.stringify(Object.assign({ name: 'srv' }, ...parts)));

function refusalOf(...parts: readonly object[]): string {
  try {
    requireApplicableKeys(documentOf(...parts));
    return 'accepted';
  } catch (error) {
    return messageOf(error);
  }
}

/** What every document of this program or of the reference holds, whatever runs its server. */
const USUAL = {
  env_vars: { MCP_TRANSPORT: 'streamable-http', MCP_PORT: '8080', FASTMCP_PORT: '8080' },
  permission_profile: { name: 'network', network: { outbound: { insecure_allow_all: true }, inbound: {} } },
  ignore_config: { LoadGlobal: true, PrintOverlays: false },
  target_host: 'mcp.example.com',
  proxy_mode: 'sse',
};

const ONLY_HERE = 'remote servers, for which nothing is run here';

describe('a document made elsewhere', () => {
  test.each([
    ['container', CONTAINER],
    ['process', PROCESS],
    ['folder that is a process', FOLDER],
    ['remote server', REMOTE],
    ['remote server without a profile', { ...REMOTE, permission_profile: null }],
  ])('of a %s holds what all of them hold', (_, base) => {
    expect(refusalOf(USUAL, base)).toBe('accepted');
  });

  test.each<[string, object, string]>([
    ['cmd_args', { cmd_args: ['--x'] }, 'cmd_args does not apply'],
    ['env_vars', { env_vars: { ...USUAL.env_vars, TOKEN: 'x' } }, 'env_vars does not apply'],
    ['secrets', { secrets: ['key,target=KEY'] }, 'secrets does not apply'],
    ['volumes', { volumes: ['/a:/b'] }, 'volumes does not apply'],
    ['ignore_config', { ignore_config: { LoadGlobal: false } }, 'ignore_config.LoadGlobal does not apply'],
    ['a profile that has a name only', { permission_profile: { name: 'mine' } }, 'accepted'],
    [
      'a profile that allows nothing',
      { permission_profile: { name: 'none', network: { outbound: { insecure_allow_all: false } } } },
      'permission_profile does not apply',
    ],
    [
      'a profile that allows some hosts',
      { permission_profile: { network: { outbound: { allow_host: ['a.example'] } } } },
      'permission_profile does not apply',
    ],
    ['a profile with files', { permission_profile: { read: ['/etc'] } }, 'permission_profile does not apply'],
    [
      'limits',
      { resource_limits: { memory: '1g', pids: 100 } },
      'resource_limits.memory, resource_limits.pids do not apply',
    ],
    ['publish', { publish: ['80'] }, 'publish does not apply'],
    ['runtime_config', { runtime_config: { build_with: ['a'] } }, 'runtime_config.build_with does not apply'],
    ['runtime', { runtime: 'process' }, 'runtime does not apply'],
    ['no_sandbox', { no_sandbox: true }, 'no_sandbox does not apply'],
  ])('of a remote server: %s', (_, part, refusal) => {
    expect(refusalOf(USUAL, REMOTE, part)).toStartWith(
      refusal === 'accepted' ? refusal : `${refusal} to ${ONLY_HERE}. Hint: remove `,
    );
  });

  test.each<[string, object, object, string]>([
    [
      'headers for a container',
      CONTAINER,
      { header_forward: { add_plaintext_headers: { A: '1' }, add_headers_from_secret: { B: 'b' } } },
      'header_forward.add_plaintext_headers, header_forward.add_headers_from_secret do not apply to containers',
    ],
    [
      'no_sandbox for a container',
      CONTAINER,
      { no_sandbox: true },
      'no_sandbox does not apply to containers',
    ],
    [
      'how an image was built, which nothing else says',
      CONTAINER,
      { runtime_config: { builder_image: 'example/base:1', additional_packages: ['git'] } },
      'accepted',
    ],
    ['a port for a process', PROCESS, { publish: ['80'] }, 'publish does not apply to processes'],
    [
      'an image for a process',
      PROCESS,
      { runtime_config: { builder_image: 'a' } },
      'runtime_config.builder_image does not apply to processes',
    ],
    [
      'node for a Python package',
      PYTHON,
      { js_runtime: 'node' },
      'js_runtime does not apply to processes of uvx',
    ],
    ['requirements for a Python package', PYTHON, { runtime_config: { build_with: ['a'] } }, 'accepted'],
    ['node for a folder', FOLDER, { js_runtime: 'node' }, 'accepted'],
    [
      'a folder for a process without a sandbox',
      PROCESS,
      { no_sandbox: true, volumes: ['/a:/b'] },
      'volumes does not apply to processes without a sandbox (no_sandbox)',
    ],
    [
      'a port for a stdio server',
      CONTAINER,
      { transport: 'stdio' },
      'target_port does not apply to servers of transport stdio, which have no port',
    ],
  ])('with %s', (_, base, part, refusal) => {
    expect(refusalOf(USUAL, base, part)).toStartWith(refusal);
  });
});

test('every rule about a key of documents has a flag of its own, and its key is named once', () => {
  const keys = RULES.flatMap(({ key }) => (key === undefined ? [] : [key]));
  expect(keys).toEqual([...new Set(keys)]);
  expect(RULES.filter(({ key, isIn }) => (key === undefined) !== (isIn === undefined))).toEqual([]);
});
