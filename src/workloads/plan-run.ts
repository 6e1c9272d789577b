import { ThvError } from '../errors/index.ts';
import type { PermissionProfile, RunConfig, Transport } from '../records/index.ts';
import type { EntryVariable, GivenSettings, RegistrySource } from '../registry/index.ts';
import { checkProfile } from '../sandbox/index.ts';
import type { Source } from '../sources/index.ts';

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

/** What an image is built from, so that it can be built again. */
function originOf(source: Source): RunPlan['origin'] {
  if (source.kind === 'package') return { package_reference: source.reference.text };
  return source.kind === 'folder' ? { package_reference: source.project.folder } : {};
}

/** Throws `ERR_TOOL_UNKNOWN`, `ERR_PROFILE_INVALID`, and `ERR_INPUT_INVALID` for a remote entry. */
export async function planRun(
  source: Source,
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
  if (entry.kind === 'remote') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `${entry.name} is a remote MCP server (${entry.url}), which this version cannot run`,
    });
  }
  const { planFromEntry } = await import('../registry/index.ts');
  const plan = planFromEntry(entry, given);
  if (plan.permissions !== undefined) checkProfile(plan.permissions, `of ${entry.name}`);
  const { kind, location } = await registrySource();
  return {
    ...plan,
    stateless: stateless || plan.stateless,
    origin: {
      registry_server_name: plan.serverName,
      ...(kind === 'api' ? { registry_api_url: location } : {}),
      ...(kind === 'url' ? { registry_url: location } : {}),
    },
  };
}
