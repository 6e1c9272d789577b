import { resolve } from 'node:path';
import type { PermissionProfile, RunConfig, Transport } from '../records/index.ts';
import type { EntryVariable, GivenSettings, RegistrySource } from '../registry/index.ts';
import { checkProfile } from '../sandbox/index.ts';
import type { OwnSource } from './subject.ts';

/** What a run is made of once its source has had its say: the user's values first, then the source's (spec 01 §4.6). */
export interface RunPlan {
  readonly transport: Transport;
  /** 0: any free port. */
  readonly proxyPort: number;
  /** 0: any free port. */
  readonly targetPort: number;
  /** `undefined`: the built-in `network` profile. */
  readonly permissions: PermissionProfile | undefined;
  readonly serverArguments: readonly string[];
  readonly stateless: boolean;
  /** Environment variables that the source declares. */
  readonly variables: readonly EntryVariable[];
  /** What the document remembers of the source. */
  readonly origin: Pick<
    RunConfig,
    'registry_server_name' | 'registry_api_url' | 'registry_url' | 'package_reference'
  >;
}

interface PlanFacts {
  readonly given: GivenSettings;
  readonly stateless: boolean;
  readonly fallbackTransport: Transport | undefined;
  /** Where entries come from. */
  readonly registrySource: () => Promise<RegistrySource>;
}

/** What an image is built from, so that it can be built again, from any folder. */
function originOf(source: OwnSource): RunPlan['origin'] {
  if (source.kind === 'package') {
    const { isLocal, package: path, text } = source.reference;
    return { package_reference: isLocal ? `go://${resolve(path)}` : text };
  }
  return source.kind === 'folder' ? { package_reference: source.project.folder } : {};
}

/** What is found in a registry is remembered by its full name, and the registry by where it is. */
export function entryOrigin(serverName: string, { kind, location }: RegistrySource): RunPlan['origin'] {
  return {
    registry_server_name: serverName,
    ...(kind === 'api' ? { registry_api_url: location } : {}),
    ...(kind === 'url' ? { registry_url: location } : {}),
  };
}

/** Throws `ERR_TOOL_UNKNOWN`, `ERR_PROFILE_INVALID`. */
export async function planRun(
  source: OwnSource,
  { given, stateless, fallbackTransport, registrySource }: PlanFacts,
): Promise<RunPlan> {
  if (source.kind !== 'entry') {
    // Other than spec 01 §4.6: what is published as a package speaks over stdin and stdout unless it is told otherwise, and
    // is to work when it is run by its name alone.
    return {
      ...given,
      transport:
        given.transport ?? fallbackTransport ?? (source.kind === 'image' ? 'streamable-http' : 'stdio'),
      stateless,
      variables: [],
      origin: originOf(source),
    };
  }
  const { entry } = source;
  const { planFromEntry } = await import('../registry/index.ts');
  const plan = planFromEntry(entry, given);
  if (plan.permissions !== undefined) checkProfile(plan.permissions, `of ${entry.name}`);
  return {
    ...plan,
    stateless: stateless || plan.stateless,
    origin: entryOrigin(plan.serverName, await registrySource()),
  };
}
