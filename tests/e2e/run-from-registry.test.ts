import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { openWorld, type World } from '../harness/world.ts';

/** A registry file of two publishers: `fixture` is one server, `twin` is two. */
async function useRegistry(world: World): Promise<void> {
  const path = join(world.folder, 'registry.json');
  const server = (name: string, environment: readonly object[] = []) => ({
    name,
    description: 'A server of the suite.',
    version: '1.0.0',
    packages: [
      {
        registryType: 'oci',
        identifier: FIXTURE_IMAGE,
        transport: { type: 'stdio' },
        packageArguments: [
          { type: 'positional', value: 'echo' },
          { type: 'positional', value: '--from-entry' },
        ],
        environmentVariables: environment,
      },
    ],
    _meta: {
      'io.modelcontextprotocol.registry/publisher-provided': {
        'io.github.stacklok': {
          [FIXTURE_IMAGE]: {
            status: 'active',
            tools: ['echo', 'env', 'args'],
            permissions: { name: 'entry', network: { outbound: { insecure_allow_all: true } } },
          },
        },
      },
    },
  });
  const servers = [
    server('org.example/fixture', [
      { name: 'NEEDED', description: 'must be given', isRequired: true },
      { name: 'API_KEY', description: 'a secret that must be given', isRequired: true, isSecret: true },
      { name: 'FLAVOUR', description: 'has a default', default: 'plain' },
      { name: 'MAYBE', description: 'need not be given' },
    ]),
    server('org.example/twin'),
    server('com.example/twin'),
  ];
  await writeFile(
    path,
    JSON.stringify({ version: '1.0.0', meta: { last_updated: '2026-01-01T00:00:00Z' }, data: { servers } }),
  );
  const config = join(world.folder, 'config', 'toolhive');
  await mkdir(config, { recursive: true });
  await writeFile(join(config, 'config.yaml'), `local_registry_path: ${path}\n`);
}

onEachEngine((engine) => {
  describe('thv run with a name of the registry', () => {
    test('takes from the entry what was not said, and the user has the last word', async () => {
      await using world = await openWorld(engine);
      await useRegistry(world);
      const name = world.name();
      const given = ['-e', 'NEEDED=yes', '-e', 'FLAVOUR=mint', '--secret', 'k,target=API_KEY'];
      await world.ok(['run', 'fixture', '--name', name, '--proxy-mode', 'streamable-http', ...given], {
        env: { TOOLHIVE_SECRETS_PROVIDER: 'environment', TOOLHIVE_SECRET_k: 'sesame' },
      });
      const { url } = await world.reached(name);
      expect(await callOnce(url, 'args')).toBe('["--from-entry"]');
      expect(await callOnce(url, 'env', { name: 'NEEDED' })).toBe('yes');
      expect(await callOnce(url, 'env', { name: 'FLAVOUR' })).toBe('mint');
      expect(await callOnce(url, 'env', { name: 'API_KEY' })).toBe('sesame');
      const document = JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));
      expect(document).toMatchObject({
        image: FIXTURE_IMAGE,
        registry_server_name: 'org.example/fixture',
        transport: 'stdio',
        cmd_args: ['echo', '--from-entry'],
        permission_profile: { name: 'entry' },
        secrets: ['k,target=API_KEY'],
      });
      expect(document).not.toHaveProperty('registry_url');
    });

    test('arguments behind -- replace those of the entry, an env file counts as given', async () => {
      await using world = await openWorld(engine);
      await useRegistry(world);
      const name = world.name();
      await writeFile(join(world.work, '.env'), 'NEEDED=from file\nAPI_KEY=plain\n');
      await world.ok([
        'run',
        'org.example/fixture',
        '--name',
        name,
        '--env-file',
        '.env',
        '--',
        'echo',
        'mine',
      ]);
      const { url } = await world.reached(name);
      expect(await callOnce(url, 'args')).toBe('["mine"]');
      expect(await callOnce(url, 'env', { name: 'NEEDED' })).toBe('from file');
      expect(await callOnce(url, 'env', { name: 'FLAVOUR' })).toBe('plain');
    });

    test.each([
      [
        'all that is missing is told at once where nobody can be asked',
        ['fixture'],
        'Error: failed to validate environment variables: missing required environment variable: NEEDED, API_KEY',
      ],
      [
        'a name of two servers is not an image',
        ['twin'],
        "Error: failed to find or create the MCP server twin: multiple servers match 'twin': com.example/twin, org.example/twin — use the full name",
      ],
      [
        'a tool that the entry does not have',
        ['org.example/twin', '--tools', 'echo,fly'],
        'Error: failed to validate run config: tool fly not found in registry',
      ],
      [
        'a word close to a name',
        ['fixtur'],
        // Not further: where the default registry of images cannot be reached, that is what is said next.
        'Error: failed to retrieve or pull image: ',
      ],
    ])('%s', async (_, args, message) => {
      await using world = await openWorld(engine);
      await useRegistry(world);
      const { exitCode, stdout, stderr } = await world.thv(['run', ...args]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      const error = stderr.slice(stderr.indexOf('Error: '));
      expect(error).toStartWith(message);
      if (args[0] === 'fixtur') expect(error).toContain('close to it: fixture');
      expect(await world.find('fixture')).toBeUndefined();
    });
  });
});
