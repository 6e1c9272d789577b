import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import { type ContainerEntry, entryToJson, type RegistryEntry, type RemoteEntry } from '../registry/index.ts';
import { refreshFlag } from './registry-list.ts';
import { openRegistry } from './registry-open.ts';
import { plainText, starsOf } from './registry-render.ts';

export const registryInfo = createCommand({
  usage: 'SERVER [flags]',
  long: `Show what the registry in use says of a server: what it runs, what it may do, and what it wants to know.

The server is named in full, or by the part behind the slash where only one has it.`,
  flags: { format: formatFlag(['json', 'text'], 'text'), refresh: refreshFlag },
  positionals: { exactly: 1 },
  async run(invocation) {
    const { options, words, signal, terminal } = invocation;
    const name = words[0] ?? '';
    const registry = await openRegistry(invocation);
    if (options.refresh) {
      await within('failed to refresh registry', () => registry.list({ refresh: true, signal }));
    }
    const entry = await within('failed to get server information', () => registry.find(name, { signal }));
    if (options.format === 'json') printJson(terminal, entryToJson(entry));
    else terminal.out(renderInfo(entry, name));
  },
});

/** The text of `thv registry info`: one fact per line, then blocks (spec 08 §6.1). */
export function renderInfo(entry: RegistryEntry, typedName: string): string {
  const { description, metadata, repository_url, tools, env_vars, tags } = entry;
  const custom = Object.entries(entry.custom_metadata ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const lines = [
    `Name: ${entry.name}`,
    `Type: ${entry.kind}`,
    `Description: ${description}`,
    `Tier: ${entry.tier}`,
    `Status: ${entry.status}`,
    `Transport: ${entry.transport}`,
    ...(entry.kind === 'container' ? containerLines(entry) : remoteLines(entry)),
    ...(repository_url === '' ? [] : [`Repository URL: ${repository_url}`]),
    `Popularity: ${starsOf(entry)} stars`,
    `Last Updated: ${metadata?.last_updated || 'N/A'}`,
    ...block(
      'Tools:',
      tools.map((tool) => `  - ${tool}`),
    ),
    ...block('Environment Variables:', env_vars.map(inputLine)),
    ...block('Tags:', tags.length === 0 ? [] : [`  ${tags.join(', ')}`]),
    ...block(
      'Custom Metadata:',
      custom.map(([key, value]) => `  ${key}: ${textOf(value)}`),
    ),
    ...block('Example Command:', [`  thv run ${typedName}`]),
  ];
  return lines.map((line) => `${plainText(line).trimEnd()}\n`).join('');
}

function containerLines({
  image,
  target_port,
  transport,
  provenance,
  permissions,
}: ContainerEntry): readonly string[] {
  const isHttp = transport === 'sse' || transport === 'streamable-http';
  return [
    `Image: ${image}`,
    ...(isHttp && target_port > 0 ? [`Target Port: ${target_port}`] : []),
    `Has Provenance: ${provenance === undefined ? 'No' : 'Yes'}`,
    ...block('Permissions:', permissions === undefined ? [] : permissionLines(permissions)),
  ];
}

function permissionLines({
  read,
  write,
  network,
}: NonNullable<ContainerEntry['permissions']>): readonly string[] {
  const outbound = network?.outbound;
  const under = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);
  const list = (title: string, values: readonly (string | number)[]) =>
    values.length === 0 ? [] : [`    ${title}: ${values.join(', ')}`];
  return [
    ...under(
      '  Read:',
      (read ?? []).map((path) => `    - ${path}`),
    ),
    ...under(
      '  Write:',
      (write ?? []).map((path) => `    - ${path}`),
    ),
    ...under('  Network:', [
      ...(outbound?.insecure_allow_all ? ['    Insecure Allow All: true'] : []),
      ...list('Allow Host', outbound?.allow_host ?? []),
      ...list('Allow Port', outbound?.allow_port ?? []),
    ]),
  ];
}

function remoteLines({ url, headers, oauth_config: oauth }: RemoteEntry): readonly string[] {
  const login =
    oauth === undefined
      ? []
      : [
          ['Issuer', oauth.issuer],
          ['Client ID', oauth.client_id],
          ['Scopes', oauth.scopes.join(', ')],
        ].flatMap(([title, value]) => (value === '' ? [] : [`  ${title}: ${value}`]));
  return [
    `URL: ${url}`,
    ...block('Headers:', headers.map(inputLine)),
    ...block('OAuth Configuration:', login),
  ];
}

function inputLine({
  name,
  required,
  default: value,
  description,
}: RegistryEntry['env_vars'][number]): string {
  const marks = `${required ? ' (required)' : ''}${value === '' ? '' : ` [default: ${value}]`}`;
  return `  - ${name}${marks}: ${description}`;
}

function block(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
