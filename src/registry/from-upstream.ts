import * as v from 'valibot';
import type { RegistryContent, SkippedEntry } from './content.ts';
import { uniqueEntries } from './content.ts';
import { isRecord } from './detect-format.ts';
import {
  type ContainerEntry,
  ContainerEntrySchema,
  type EntryHeader,
  type EntryVariable,
  ExtensionSchema,
  type RegistryEntry,
  type RemoteEntry,
  RemoteEntrySchema,
} from './entry.ts';

/** Where ToolHive's own facts stand in a `server.json` (spec 08 §3.1). */
export const PUBLISHER = 'io.modelcontextprotocol.registry/publisher-provided';
export const NAMESPACE = 'io.github.stacklok';

const Text = v.nullish(v.string(), '');
const Switch = v.nullish(v.boolean(), false);
const inputFields = { description: Text, isRequired: Switch, isSecret: Switch, default: Text };
const Input = v.object({ ...inputFields, name: Text, choices: v.nullish(v.array(v.string()), () => []) });
const Inputs = v.nullish(v.array(Input), () => []);
const Arguments = v.nullish(
  v.array(
    v.object({
      ...inputFields,
      type: Text,
      name: Text,
      value: Text,
      variables: v.nullish(v.record(v.string(), v.object(inputFields)), () => ({})),
    }),
  ),
  () => [],
);

const PackageSchema = v.object({
  registryType: Text,
  identifier: Text,
  version: Text,
  transport: v.nullish(v.object({ type: Text, url: Text }), () => ({ type: '', url: '' })),
  environmentVariables: Inputs,
  runtimeArguments: Arguments,
  packageArguments: Arguments,
});
type Package = v.InferOutput<typeof PackageSchema>;

/** A `server.json` as far as it is used (spec 08 §3.1); read leniently, unknown keys are ignored. */
const ServerSchema = v.object({
  name: v.pipe(v.string(), v.nonEmpty('name is empty')),
  title: Text,
  description: Text,
  repository: v.nullish(v.object({ url: Text }), () => ({ url: '' })),
  packages: v.nullish(v.array(v.unknown()), () => []),
  remotes: v.nullish(v.array(v.unknown()), () => []),
  _meta: v.nullish(v.record(v.string(), v.unknown()), () => ({})),
});
const RemoteSchema = v.object({
  type: Text,
  url: v.pipe(v.string(), v.nonEmpty('url is empty')),
  headers: Inputs,
});

/**
 * A decoded document of the upstream format. Entries that cannot be used are listed with the reason (spec 08 §9.14).
 * Throws a plain `Error` when `data.servers` is there and is no list.
 */
export function fromUpstream(document: unknown): RegistryContent {
  const root = isRecord(document) ? document : {};
  const data = isRecord(root['data']) ? root['data'] : {};
  const servers = data['servers'] ?? [];
  if (!Array.isArray(servers)) throw new Error('data.servers is not a list');
  const meta = isRecord(root['meta']) ? root['meta'] : {};
  return {
    version: text(root['version']),
    lastUpdated: text(meta['last_updated']),
    ...entriesFromServers(servers),
    extras: countOf(data['skills']) + countOf(data['plugins']),
  };
}

/** Entries of a list of `server.json` documents. */
export function entriesFromServers(
  servers: readonly unknown[],
): Pick<RegistryContent, 'entries' | 'skipped'> {
  const entries: RegistryEntry[] = [];
  const skipped: SkippedEntry[] = [];
  for (const [index, server] of servers.entries()) {
    try {
      entries.push(fromServer(server));
    } catch (error) {
      const name = isRecord(server) ? text(server['name']) : '';
      skipped.push({ name: name || `#${index + 1}`, reason: reasonOf(error) });
    }
  }
  return { entries: uniqueEntries(entries), skipped };
}

/** One `server.json` (spec 08 §3.2). Throws with the reason when it describes nothing that can be run. */
function fromServer(raw: unknown): RegistryEntry {
  const server = v.parse(ServerSchema, raw);
  const facts = {
    name: server.name,
    title: server.title,
    description: server.description,
    repository_url: server.repository.url,
  };
  const [remote] = server.remotes;
  return remote === undefined
    ? containerFrom(facts, server.packages, server._meta)
    : remoteFrom(facts, v.parse(RemoteSchema, remote), server._meta);
}

type ServerFacts = Pick<RegistryEntry, 'name' | 'title' | 'description' | 'repository_url'>;
type Meta = v.InferOutput<typeof ServerSchema>['_meta'];

function remoteFrom(facts: ServerFacts, remote: v.InferOutput<typeof RemoteSchema>, meta: Meta): RemoteEntry {
  const extension = extensionOf(meta, remote.url);
  const entry = v.parse(RemoteEntrySchema, {
    ...extension,
    ...facts,
    transport: remote.type,
    url: remote.url,
    headers: remote.headers.map(
      (header): EntryHeader => ({ ...variableFrom(header), choices: header.choices }),
    ),
  });
  return { kind: 'remote', ...entry };
}

function containerFrom(facts: ServerFacts, packages: readonly unknown[], meta: Meta): ContainerEntry {
  if (packages.length === 0) throw new Error('has neither remotes nor packages');
  const kinds = packages.map((item) => (isRecord(item) ? text(item['registryType']) : ''));
  // Several images of one server: the first is taken, where the reference drops the entry (spec 08 §9.16).
  const index = kinds.indexOf('oci');
  if (index === -1) throw new Error(`has no OCI package (found: ${kinds.join(', ')})`);
  const image = v.parse(PackageSchema, packages[index]);
  if (image.identifier === '') throw new Error('its OCI package has no identifier');
  const extension = extensionOf(meta, image.identifier);
  const given = image.packageArguments.flatMap(({ name, value }) =>
    [name, value].filter((word) => word !== ''),
  );
  const entry = v.parse(ContainerEntrySchema, {
    ...extension,
    ...facts,
    transport: image.transport.type,
    image: imageOf(image),
    target_port: portOf(image.transport.url),
    env_vars: [
      ...image.environmentVariables.map(variableFrom),
      ...image.runtimeArguments.flatMap(fromRuntimeArgument),
    ],
    args: given.length > 0 ? given : extension.args,
  });
  return { kind: 'container', ...entry };
}

/** Older documents give the tag apart, in `version`; what the identifier says itself counts more. */
function imageOf({ identifier, version }: Package): string {
  const hasTag = identifier.lastIndexOf(':') > identifier.lastIndexOf('/');
  if (version === '' || hasTag || identifier.includes('@')) return identifier;
  return /^[a-z0-9]+:[0-9a-f]{32,}$/.test(version) ? `${identifier}@${version}` : `${identifier}:${version}`;
}

/** The object stored under the entry's own image or URL, else the first one there is (spec 08 §9.15). */
function extensionOf(meta: Meta, key: string): v.InferOutput<typeof ExtensionSchema> {
  const publisher = meta[PUBLISHER];
  const namespace = isRecord(publisher) ? publisher[NAMESPACE] : undefined;
  const candidates = isRecord(namespace) ? namespace : {};
  const own = Object.hasOwn(candidates, key) ? candidates[key] : undefined;
  return v.parse(ExtensionSchema, isRecord(own) ? own : (Object.values(candidates).find(isRecord) ?? {}));
}

function variableFrom(input: v.InferOutput<typeof Input>): EntryVariable {
  return {
    name: input.name,
    description: input.description,
    required: input.isRequired,
    default: input.default,
    secret: input.isSecret,
  };
}

/** `-e KEY=VALUE` for the container engine; `{name}` as value stands for one of the argument's variables. */
function fromRuntimeArgument(argument: Package['runtimeArguments'][number]): readonly EntryVariable[] {
  const at = argument.value.indexOf('=');
  if (argument.type !== 'named' || !['-e', '--env'].includes(argument.name) || at <= 0) return [];
  const value = argument.value.slice(at + 1);
  const reference = /^\{(.+)\}$/s.exec(value)?.[1];
  const variable = reference === undefined ? undefined : argument.variables[reference];
  return [
    {
      name: argument.value.slice(0, at),
      description: argument.description,
      required: argument.isRequired,
      default: reference === undefined ? value : (variable?.default ?? ''),
      secret: variable?.isSecret ?? false,
    },
  ];
}

/** Port of a transport URL, 0 when it names none. */
function portOf(url: string): number {
  if (url === '') return 0;
  // Not the URL's own port: that one is empty when it is the scheme's standard.
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (authority === undefined || !URL.canParse(url)) throw new Error(`transport URL ${url} cannot be parsed`);
  const port = /:(\d+)$/.exec(authority)?.[1];
  return port === undefined ? 0 : Number(port);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof v.ValiError)) return (error as Error).message;
  return (error.issues as readonly v.BaseIssue<unknown>[])
    .map((issue) => `${v.getDotPath(issue) ?? 'entry'}: ${issue.message}`)
    .join('; ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function countOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
