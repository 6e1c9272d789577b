import type { ContainerEntry, EntryHeader, EntryVariable, RegistryEntry, RemoteEntry } from './entry.ts';
import { pick } from './entry.ts';
import { NAMESPACE, PUBLISHER } from './from-upstream.ts';

const SERVER_SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json';
const REGISTRY_SCHEMA =
  'https://raw.githubusercontent.com/stacklok/toolhive-core/main/registry/types/data/upstream-registry.schema.json';
const SHARED_EXTENSIONS = [
  'status',
  'tier',
  'stateless',
  'tools',
  'tags',
  'overview',
  'tool_definitions',
  'metadata',
  'custom_metadata',
  'proxy_port',
];
const EXTENSIONS = {
  container: [...SHARED_EXTENSIONS, 'permissions', 'args', 'provenance', 'docker_tags'],
  remote: [...SHARED_EXTENSIONS, 'oauth_config', 'env_vars'],
};

interface Registry {
  readonly version: string;
  readonly lastUpdated: string;
  readonly entries: readonly RegistryEntry[];
}

/** A document of the upstream format: containers, then remotes, each by name (spec 08 §3.4). */
export function toUpstream({ version, lastUpdated, entries }: Registry) {
  const of = (kind: RegistryEntry['kind']) =>
    entries
      .filter((entry) => entry.kind === kind)
      .map(toServer)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  return {
    $schema: REGISTRY_SCHEMA,
    version,
    meta: { last_updated: lastUpdated },
    data: { servers: [...of('container'), ...of('remote')] },
  };
}

/** One entry as `server.json` (spec 08 §3.4). */
export function toServer(entry: RegistryEntry) {
  const { name, title, description, repository_url } = entry;
  return {
    $schema: SERVER_SCHEMA,
    name: name.includes('/') ? name : `${NAMESPACE}/${name}`,
    ...(title === '' ? {} : { title }),
    description,
    ...(repository_url === '' ? {} : { repository: { url: repository_url, source: 'github' } }),
    version: '1.0.0',
    ...(entry.kind === 'container' ? { packages: [packageOf(entry)] } : { remotes: [remoteOf(entry)] }),
    _meta: {
      [PUBLISHER]: {
        [NAMESPACE]: { [entry.kind === 'container' ? entry.image : entry.url]: extensionOf(entry) },
      },
    },
  };
}

function packageOf({ image, transport, target_port, env_vars }: ContainerEntry) {
  const url = `http://localhost${target_port === 0 ? '' : `:${target_port}`}`;
  return {
    registryType: 'oci',
    identifier: image,
    transport: transport === '' || transport === 'stdio' ? { type: 'stdio' } : { type: transport, url },
    ...(env_vars.length === 0 ? {} : { environmentVariables: env_vars.map(inputOf) }),
  };
}

function remoteOf({ transport, url, headers }: RemoteEntry) {
  return {
    type: transport,
    url,
    ...(headers.length === 0 ? {} : { headers: headers.map(inputOf) }),
  };
}

function inputOf(variable: EntryVariable | EntryHeader) {
  const choices = 'choices' in variable ? variable.choices : [];
  return {
    name: variable.name,
    ...(variable.description === '' ? {} : { description: variable.description }),
    ...(variable.required ? { isRequired: true } : {}),
    ...(variable.secret ? { isSecret: true } : {}),
    ...(variable.default === '' ? {} : { default: variable.default }),
    ...(choices.length === 0 ? {} : { choices }),
  };
}

function extensionOf(entry: RegistryEntry): Readonly<Record<string, unknown>> {
  return pick({ ...entry, status: entry.status || 'active' }, EXTENSIONS[entry.kind], new Set());
}
