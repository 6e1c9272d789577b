import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { parseImageReference } from '../../engine/index.ts';
import { NAMESPACE, PUBLISHER } from '../from-upstream.ts';
import { parseRegistry } from '../parse-registry.ts';
import { schemaProblems } from '../upstream-schema.ts';

/**
 * The embedded catalog is held to the published schemas, and to what they leave open (spec 08 §2, §3.1, §8): nobody but us
 * could mend an entry that is skipped or reads badly.
 */
const text = readFileSync(`${import.meta.dir}/catalog.json`, 'utf8');

/** Shown in tables and prompts: one line without blanks at its ends. */
const Line = v.pipe(v.string(), v.regex(/^\S(?:[^\r\n\t]*\S)?$/, 'not one line without blanks at its ends'));
const HttpsUrl = v.pipe(v.string(), v.url(), v.startsWith('https://'));
const Filled = v.pipe(v.array(v.string()), v.minLength(1));

const Image = v.config(
  v.pipe(
    v.string(),
    v.regex(/^[a-z0-9./:_-]+$/, 'not lower case'),
    v.check((image) => parseImageReference(image).tag !== undefined, 'no tag'),
  ),
  { abortPipeEarly: true },
);

const EnvironmentVariable = v.pipe(
  v.strictObject({
    name: v.string(),
    description: v.pipe(Line, v.minLength(5), v.maxLength(200), v.regex(/^[A-Z].*[^.]$/, 'no short phrase')),
    isRequired: v.optional(v.literal(true)),
    isSecret: v.optional(v.literal(true)),
    default: v.optional(v.pipe(v.string(), v.minLength(1))),
  }),
  v.check((variable) => !(variable.isSecret && variable.default !== undefined), 'a secret with a default'),
);

const OciPackage = v.strictObject({
  registryType: v.literal('oci'),
  identifier: Image,
  transport: v.strictObject({
    type: v.string(),
    url: v.optional(v.pipe(v.string(), v.regex(/^http:\/\/localhost(?::[1-9]\d{0,4})?$/))),
  }),
  environmentVariables: v.optional(
    v.pipe(
      v.array(EnvironmentVariable),
      v.minLength(1),
      v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, 'a variable twice'),
    ),
  ),
});

const Extension = v.object({
  status: v.literal('Active'),
  tier: v.picklist(['Official', 'Community']),
  tools: Filled,
  tags: Filled,
  permissions: v.object({ network: v.object({ outbound: v.record(v.string(), v.unknown()) }) }),
  args: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^\S+$/))), v.minLength(1))),
  provenance: v.optional(
    v.strictObject({
      sigstore_url: v.literal('tuf-repo-cdn.sigstore.dev'),
      repository_uri: HttpsUrl,
      signer_identity: v.pipe(v.string(), v.regex(/^\/\.github\/workflows\/[a-z0-9-]+\.yml$/)),
      runner_environment: v.literal('github-hosted'),
      cert_issuer: v.literal('https://token.actions.githubusercontent.com'),
    }),
  ),
});

const Server = v.pipe(
  v.strictObject({
    $schema: v.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
    name: v.pipe(v.string(), v.regex(/^io\.github\.stacklok\/[a-z0-9][a-z0-9-]+[a-z0-9]$/)),
    title: Line,
    description: v.pipe(Line, v.minLength(10), v.regex(/^[A-Z][^ ]*(?: [^ ]+)+\.$/, 'not a sentence')),
    version: v.literal('1.0.0'),
    repository: v.strictObject({ url: HttpsUrl, source: v.literal('github') }),
    packages: v.optional(v.tuple([OciPackage])),
    remotes: v.optional(v.tuple([v.strictObject({ type: v.string(), url: HttpsUrl })])),
    _meta: v.strictObject({
      [PUBLISHER]: v.strictObject({ [NAMESPACE]: v.record(v.string(), Extension) }),
    }),
  }),
  v.check(
    ({ packages, remotes }) => (packages === undefined) !== (remotes === undefined),
    'neither or both of packages and remotes',
  ),
  v.check((server) => {
    const key = server.packages?.[0].identifier ?? server.remotes?.[0].url;
    return Object.keys(server._meta[PUBLISHER][NAMESPACE]).join() === key;
  }, 'the extension is not kept under its image or URL'),
);

const Catalog = v.strictObject({
  $schema: v.literal(
    'https://raw.githubusercontent.com/stacklok/toolhive-core/main/registry/types/data/upstream-registry.schema.json',
  ),
  version: v.string(),
  meta: v.strictObject({ last_updated: v.string() }),
  data: v.strictObject({ servers: v.array(Server) }),
});

const checked = v.safeParse(Catalog, JSON.parse(text));
const servers = checked.success ? checked.output.data.servers : [];
const shortNames = servers.map(({ name }) => name.slice(name.indexOf('/') + 1));

/** The entry that `thv run <short name>` finds (spec 08 §4.1), in the terms of the chapter's table. */
function factsOf(shortName: string) {
  const hits = servers.filter(({ name }) => name.endsWith(`/${shortName}`));
  expect(hits).toHaveLength(1);
  const oci = hits[0]?.packages?.[0];
  const extension = Object.values(hits[0]?._meta[PUBLISHER][NAMESPACE] ?? {})[0];
  return {
    image: oci?.identifier,
    transport: oci?.transport,
    variables: oci?.environmentVariables?.map(
      ({ name, isRequired, isSecret, default: value }) =>
        `${name}${isSecret ? '*' : ''}${isRequired ? '!' : ''}${value === undefined ? '' : `=${value}`}`,
    ),
    tier: extension?.tier,
    outbound: extension?.permissions?.network.outbound,
    args: extension?.args,
    signer: extension?.provenance && [
      extension.provenance.repository_uri,
      extension.provenance.signer_identity,
    ],
  };
}

describe('the embedded catalog', () => {
  test('keeps to the published schemas', () => {
    expect(schemaProblems(JSON.parse(text))).toEqual([]);
  });

  test('keeps to the rules of the house', () => {
    expect(checked.issues?.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)).toBeUndefined();
  });

  test('is read without a loss', () => {
    const { entries, skipped } = parseRegistry(text, { source: '' });
    expect(skipped).toEqual([]);
    expect(entries.map(({ name }) => name)).toEqual(servers.map(({ name }) => name));
  });

  test('holds the servers of the snapshot, sorted by name, each short name once', () => {
    expect(servers).toHaveLength(69);
    expect(shortNames).toEqual([...new Set(shortNames)].sort());
  });

  test('ends with one newline and has no line that ends with a blank', () => {
    expect(text).toEndWith('}\n');
    expect(text).not.toMatch(/[ \t\r]\n|\n\n/);
  });

  test('knows the servers that people ask for by their short names', () => {
    const famous = [
      'fetch',
      'filesystem',
      'git',
      'github',
      'k8s',
      'memory',
      'osv',
      'playwright',
      'sqlite',
      'time',
    ];
    expect(famous.filter((name) => !shortNames.includes(name))).toEqual([]);
  });

  test('every description and every title says something of its own', () => {
    const descriptions = servers.map(({ description }) => description);
    expect(new Set(descriptions).size).toBe(descriptions.length);
    for (const { title, description } of servers) expect(description).not.toBe(`${title}.`);
  });
});

describe('facts of the catalog, one entry of each shape (spec 08 §8.1)', () => {
  test.each<[string, string, ReturnType<typeof factsOf>]>([
    [
      'HTTP with a port of the image’s own choice and a signer of its own repository name',
      'fetch',
      {
        image: 'ghcr.io/stackloklabs/gofetch/server:0.0.6',
        transport: { type: 'streamable-http', url: 'http://localhost' },
        variables: undefined,
        tier: 'Community',
        outbound: { insecure_allow_all: true, allow_port: [443] },
        args: undefined,
        signer: ['https://github.com/StacklokLabs/gofetch', '/.github/workflows/release.yml'],
      },
    ],
    [
      'SSE, hosts and ports, signed by its repository',
      'osv',
      {
        image: 'ghcr.io/stackloklabs/osv-mcp/server:0.0.7',
        transport: { type: 'sse', url: 'http://localhost' },
        variables: undefined,
        tier: 'Community',
        outbound: { allow_host: ['api.osv.dev'], allow_port: [443] },
        args: undefined,
        signer: ['https://github.com/StacklokLabs/osv-mcp', '/.github/workflows/release.yml'],
      },
    ],
    [
      'HTTP with a target port and arguments',
      'playwright',
      {
        image: 'mcr.microsoft.com/playwright/mcp:v0.0.37',
        transport: { type: 'streamable-http', url: 'http://localhost:8931' },
        variables: undefined,
        tier: 'Official',
        outbound: { insecure_allow_all: true, allow_port: [443] },
        args: ['--port', '8931'],
        signer: undefined,
      },
    ],
    [
      'stdio, a required secret and optional variables, signed',
      'github',
      {
        image: 'ghcr.io/github/github-mcp-server:v0.14.0',
        transport: { type: 'stdio' },
        variables: [
          'GITHUB_PERSONAL_ACCESS_TOKEN*!',
          'GITHUB_HOST',
          'GITHUB_TOOLSETS',
          'GITHUB_DYNAMIC_TOOLSETS',
          'GITHUB_READ_ONLY',
        ],
        tier: 'Official',
        outbound: { allow_host: ['.github.com', '.githubusercontent.com'], allow_port: [443] },
        args: undefined,
        signer: ['https://github.com/github/github-mcp-server', '/.github/workflows/docker-publish.yml'],
      },
    ],
    [
      'a required variable with a default, signed by the builder of packages',
      'mcp-neo4j-memory',
      {
        image: 'ghcr.io/stacklok/dockyard/uvx/mcp-neo4j-memory:0.2.0',
        transport: { type: 'stdio' },
        variables: ['NEO4J_URI!=bolt://localhost:7687', 'NEO4J_USERNAME=neo4j', 'NEO4J_PASSWORD*'],
        tier: 'Community',
        outbound: {
          allow_host: ['localhost', '.neo4j.io', '.databases.neo4j.io'],
          allow_port: [7687, 7473, 7474, 443],
        },
        args: undefined,
        signer: ['https://github.com/stacklok/dockyard', '/.github/workflows/build-containers.yml'],
      },
    ],
    [
      'no network at all, a folder as argument',
      'filesystem',
      {
        image: 'docker.io/mcp/filesystem:latest',
        transport: { type: 'stdio' },
        variables: undefined,
        tier: 'Community',
        outbound: {},
        args: ['/projects'],
        signer: undefined,
      },
    ],
  ])('%s: %s', (_sentence, name, facts) => {
    expect(factsOf(name)).toEqual(facts);
  });
});
