import { describe, expect, test } from 'bun:test';
import { entryToJson } from './entry.ts';
import { fromUpstream } from './from-upstream.ts';

const NAME = 'io.github.example/thing';
const oci = (facts: object = {}) => ({
  registryType: 'oci',
  identifier: 'ghcr.io/example/thing:1',
  transport: { type: 'stdio' },
  ...facts,
});
const server = (facts: object) => ({ name: NAME, description: 'A thing', version: '1.0.0', ...facts });
const meta = (extensions: object) => ({
  'io.modelcontextprotocol.registry/publisher-provided': { 'io.github.stacklok': extensions },
});
const container = (facts: object = {}) => ({
  name: NAME,
  description: 'A thing',
  tier: '',
  status: '',
  transport: 'stdio',
  tools: null,
  image: 'ghcr.io/example/thing:1',
  ...facts,
});

function convert(...servers: readonly unknown[]) {
  const { entries, skipped } = fromUpstream({ data: { servers } });
  return { entries: entries.map(entryToJson), skipped };
}

describe('upstream → internal', () => {
  const rows: readonly (readonly [string, object, Record<string, unknown>])[] = [
    ['a container with nothing else', { packages: [oci()] }, container()],
    [
      'title and repository',
      { title: 'T', repository: { url: 'https://e.com/r', source: 'github' }, packages: [oci()] },
      container({ title: 'T', repository_url: 'https://e.com/r' }),
    ],
    [
      'the port of the transport URL',
      { packages: [oci({ transport: { type: 'sse', url: 'http://localhost:8080/x' } })] },
      container({ transport: 'sse', target_port: 8080 }),
    ],
    [
      "a port that is the scheme's own",
      { packages: [oci({ transport: { type: 'sse', url: 'http://localhost:80' } })] },
      container({ transport: 'sse', target_port: 80 }),
    ],
    [
      'a transport URL without port',
      { packages: [oci({ transport: { type: 'sse', url: 'http://localhost' } })] },
      container({ transport: 'sse' }),
    ],
    ...(
      [
        ['ghcr.io/e/x', '1.2.3', 'ghcr.io/e/x:1.2.3'],
        ['ghcr.io:443/e/x', '1.2.3', 'ghcr.io:443/e/x:1.2.3'],
        ['ghcr.io/e/x:2', '1.2.3', 'ghcr.io/e/x:2'],
        [`ghcr.io/e/x@sha256:${'a'.repeat(64)}`, '1.2.3', `ghcr.io/e/x@sha256:${'a'.repeat(64)}`],
        ['ghcr.io/e/x', `sha256:${'a'.repeat(64)}`, `ghcr.io/e/x@sha256:${'a'.repeat(64)}`],
        ['ghcr.io/e/x', '', 'ghcr.io/e/x'],
      ] as const
    ).map(
      ([identifier, version, image]) =>
        [
          `version ${version} beside ${identifier}`,
          { packages: [oci({ identifier, version })] },
          container({ image }),
        ] as const,
    ),
    [
      'the first of several images, other kinds passed over',
      { packages: [{ registryType: 'npm', identifier: 'x' }, oci(), oci({ identifier: 'second' })] },
      container(),
    ],
    [
      'variables, also from -e and --env of the engine',
      {
        packages: [
          oci({
            environmentVariables: [{ name: 'A', description: 'a', isRequired: true, isSecret: true }],
            runtimeArguments: [
              { type: 'named', name: '-e', value: 'B=fixed', description: 'b' },
              {
                type: 'named',
                name: '--env',
                value: 'C={token}',
                isRequired: true,
                variables: { token: { isSecret: true, default: 'd' } },
              },
              { type: 'named', name: '-e', value: 'D={nothing}' },
              { type: 'named', name: '-e', value: 'no assignment' },
              { type: 'named', name: '-v', value: 'X=/y' },
              { type: 'positional', value: 'E=1' },
            ],
          }),
        ],
      },
      container({
        env_vars: [
          { name: 'A', description: 'a', required: true, secret: true },
          { name: 'B', description: 'b', required: false, default: 'fixed' },
          { name: 'C', description: '', required: true, default: 'd', secret: true },
          { name: 'D', description: '', required: false },
        ],
      }),
    ],
    [
      'arguments of the package over those of the extension',
      {
        packages: [
          oci({
            packageArguments: [
              { type: 'named', name: '--mode', value: 'fast' },
              { type: 'positional', value: 'x y' },
              { type: 'named', name: '--flag' },
              { type: 'positional', valueHint: 'ignored' },
            ],
          }),
        ],
        _meta: meta({ other: { args: ['old'] } }),
      },
      container({ args: ['--mode', 'fast', 'x y', '--flag'] }),
    ],
    [
      "the extension under the entry's own image, not the first one",
      {
        packages: [oci()],
        _meta: meta({
          'other:1': { status: 'Deprecated', tier: 'Official' },
          'ghcr.io/example/thing:1': {
            status: 'Active',
            tier: 'Community',
            tools: ['t'],
            tags: ['x'],
            overview: '# O',
            stateless: true,
            proxy_port: 9000,
            args: ['a'],
            docker_tags: ['1'],
            metadata: { stars: 3, last_updated: '2026-01-01T00:00:00Z', pulls: 7 },
            custom_metadata: { z: 1 },
            permissions: { network: { outbound: { allow_host: ['.e.com'], allow_port: [443] } } },
            provenance: { repository_uri: 'https://e.com' },
            tool_definitions: [{ name: 't', inputSchema: {} }],
          },
        }),
      },
      container({
        tier: 'Community',
        status: 'Active',
        stateless: true,
        tools: ['t'],
        metadata: { stars: 3, last_updated: '2026-01-01T00:00:00Z' },
        tags: ['x'],
        overview: '# O',
        tool_definitions: [{ name: 't', inputSchema: {} }],
        custom_metadata: { z: 1 },
        proxy_port: 9000,
        permissions: { network: { outbound: { allow_host: ['.e.com'], allow_port: [443] } } },
        args: ['a'],
        docker_tags: ['1'],
        provenance: {
          sigstore_url: '',
          repository_uri: 'https://e.com',
          signer_identity: '',
          runner_environment: '',
          cert_issuer: '',
        },
      }),
    ],
    [
      'the first remote, packages passed over',
      {
        packages: [oci()],
        remotes: [
          {
            type: 'sse',
            url: 'https://e.com/sse',
            headers: [{ name: 'X-Key', isRequired: true, choices: ['a', 'b'] }],
          },
          { type: 'streamable-http', url: 'https://e.com/mcp' },
        ],
        _meta: meta({
          elsewhere: { oauth_config: { issuer: 'https://i', use_pkce: true }, env_vars: [{ name: 'V' }] },
        }),
      },
      {
        name: NAME,
        description: 'A thing',
        tier: '',
        status: '',
        transport: 'sse',
        tools: null,
        url: 'https://e.com/sse',
        headers: [{ name: 'X-Key', description: '', required: true, choices: ['a', 'b'] }],
        oauth_config: { issuer: 'https://i', use_pkce: true },
        env_vars: [{ name: 'V', description: '', required: false }],
      },
    ],
  ];
  test.each(rows)('%s', (_what, facts, expected) => {
    const { entries, skipped } = convert(server(facts));
    expect(skipped).toEqual([]);
    expect(entries).toEqual([expected]);
  });

  test('keys are shown in one order, whatever the order of the source', () => {
    const extension = { tags: ['x'], proxy_port: 1, status: 'Active', args: ['a'], overview: 'o' };
    const { entries } = convert(server({ title: 'T', packages: [oci()], _meta: meta({ k: extension }) }));
    expect(Object.keys(entries[0] ?? {})).toEqual(
      'name title description tier status transport tools tags overview image proxy_port args'.split(' '),
    );
  });

  const refused: readonly (readonly [string, unknown, string, string])[] = [
    ['no way to run it', server({}), NAME, 'has neither remotes nor packages'],
    [
      'only packages of other kinds',
      server({ packages: [{ registryType: 'npm' }, { registryType: 'pypi' }] }),
      NAME,
      'has no OCI package (found: npm, pypi)',
    ],
    [
      'a transport URL that is none',
      server({ packages: [oci({ transport: { type: 'sse', url: 'localhost:80' } })] }),
      NAME,
      'transport URL localhost:80 cannot be parsed',
    ],
    [
      'a port beyond all ports',
      server({ packages: [oci({ transport: { type: 'sse', url: 'http://h:99999' } })] }),
      NAME,
      'transport URL http://h:99999 cannot be parsed',
    ],
    ['no name', { packages: [oci()] }, '#1', 'name: Invalid key: Expected "name" but received undefined'],
    ['no object', 'x', '#1', 'entry: Invalid type: Expected Object but received "x"'],
    [
      'an extension of wrong types',
      server({ packages: [oci()], _meta: meta({ k: { tools: 'all' } }) }),
      NAME,
      'tools: Invalid type: Expected Array but received "all"',
    ],
  ];
  test.each(refused)('skipped: %s', (_what, raw, name, reason) => {
    expect(convert(raw)).toEqual({ entries: [], skipped: [{ name, reason }] });
  });

  test('a later entry replaces an earlier one of its name; a remote of that name stays beside it', () => {
    const { entries } = convert(
      server({ packages: [oci()], description: 'first' }),
      server({ remotes: [{ type: 'sse', url: 'https://e.com' }] }),
      server({ packages: [oci()], description: 'second' }),
    );
    expect(entries.map((entry) => [entry['description'], 'url' in entry])).toEqual([
      ['second', false],
      ['A thing', true],
    ]);
  });

  test('a list of servers that is none is an error', () => {
    expect(() => fromUpstream({ data: { servers: {} } })).toThrow('data.servers is not a list');
  });
});
