import { describe, expect, test } from 'bun:test';
import { entryToJson } from './entry.ts';
import { fromUpstream } from './from-upstream.ts';
import { fromLegacy } from './legacy-format.ts';
import { toUpstream } from './to-upstream.ts';

function convert(document: object) {
  return toUpstream(fromLegacy({ version: '1.0.0', last_updated: '2026-01-31T00:00:00Z', ...document }));
}

const FULL = {
  description: 'Everything set',
  title: 'Full',
  tier: 'Official',
  status: 'Active',
  transport: 'sse',
  stateless: true,
  tools: ['a', 'b'],
  metadata: { stars: 2, last_updated: '2026-01-01T00:00:00Z' },
  repository_url: 'https://example.com/r',
  tags: ['x'],
  overview: 'long',
  custom_metadata: { k: [1] },
  image: 'ghcr.io/e/full:1',
  target_port: 8000,
  proxy_port: 9000,
  permissions: { name: 'p', read: ['/a'], network: { outbound: { insecure_allow_all: true } } },
  env_vars: [{ name: 'KEY', description: 'the key', required: true, secret: true, default: 'd' }],
  args: ['--x'],
  docker_tags: ['1'],
  provenance: {
    sigstore_url: 's',
    repository_uri: 'u',
    signer_identity: 'i',
    runner_environment: 'e',
    cert_issuer: 'c',
  },
};

describe('internal → upstream', () => {
  test('a container with everything', () => {
    const [server] = convert({ servers: { full: FULL } }).data.servers;
    expect(server).toEqual({
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      name: 'io.github.stacklok/full',
      title: 'Full',
      description: 'Everything set',
      repository: { url: 'https://example.com/r', source: 'github' },
      version: '1.0.0',
      packages: [
        {
          registryType: 'oci',
          identifier: 'ghcr.io/e/full:1',
          transport: { type: 'sse', url: 'http://localhost:8000' },
          environmentVariables: [
            { name: 'KEY', description: 'the key', isRequired: true, isSecret: true, default: 'd' },
          ],
        },
      ],
      _meta: {
        'io.modelcontextprotocol.registry/publisher-provided': {
          'io.github.stacklok': {
            'ghcr.io/e/full:1': {
              status: 'Active',
              tier: 'Official',
              stateless: true,
              tools: ['a', 'b'],
              tags: ['x'],
              overview: 'long',
              metadata: { stars: 2, last_updated: '2026-01-01T00:00:00Z' },
              custom_metadata: { k: [1] },
              proxy_port: 9000,
              permissions: FULL.permissions,
              args: ['--x'],
              provenance: FULL.provenance,
              docker_tags: ['1'],
            },
          },
        },
      },
    });
  });

  test.each([
    ['stdio', 8000, { type: 'stdio' }],
    ['', 0, { type: 'stdio' }],
    ['streamable-http', 0, { type: 'streamable-http', url: 'http://localhost' }],
    ['sse', 80, { type: 'sse', url: 'http://localhost:80' }],
  ])('transport %j with port %d', (transport, target_port, expected) => {
    const [server] = convert({ servers: { x: { image: 'i', transport, target_port } } }).data.servers;
    expect(server).toMatchObject({ packages: [{ transport: expected }] });
  });

  test('names with a slash stay, an empty status becomes active, containers come first, each by name', () => {
    const { data } = convert({
      servers: { 'b.example/z': { image: 'i' }, a: { image: 'i' } },
      remote_servers: { aa: { url: 'https://e.com', transport: 'sse' } },
    });
    expect(data.servers.map(({ name }) => name)).toEqual([
      'b.example/z',
      'io.github.stacklok/a',
      'io.github.stacklok/aa',
    ]);
    expect(JSON.stringify(data.servers)).toContain('{"i":{"status":"active"}}');
  });

  test('there and back again nothing is lost', () => {
    const legacy = fromLegacy({
      servers: { 'example.com/full': FULL },
      remote_servers: {
        'example.com/remote': {
          description: 'Remote',
          transport: 'streamable-http',
          status: 'Deprecated',
          tier: 'Community',
          tools: ['t'],
          url: 'https://example.com/mcp',
          proxy_port: 1,
          headers: [{ name: 'X', description: 'x', required: true, secret: true, choices: ['1'] }],
          oauth_config: { issuer: 'https://i', scopes: ['a'], oauth_params: { prompt: 'login' } },
          env_vars: [{ name: 'E', description: 'eeeee', required: false, default: '1' }],
        },
      },
    });
    const back = fromUpstream(toUpstream(legacy));
    expect(back.entries.map(entryToJson)).toEqual(legacy.entries.map(entryToJson));
    expect(back.skipped).toEqual([]);
  });
});
