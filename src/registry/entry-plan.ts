import { ThvError } from '../errors/index.ts';
import type { PermissionProfile, Transport } from '../records/index.ts';
import type { ContainerEntry, RegistryEntry, RemoteEntry } from './entry.ts';

/** What the user said, as far as an entry fills the rest; `undefined`, 0 and empty lists mean "not given". */
export interface GivenSettings {
  readonly transport: Transport | undefined;
  readonly proxyPort: number;
  readonly targetPort: number;
  /** Everything behind `--`. */
  readonly serverArguments: readonly string[];
  /** From `--permission-profile`. */
  readonly permissions: PermissionProfile | undefined;
  /** From `--tools`: the names that clients see. */
  readonly tools: readonly string[];
  /** From `--tools-override`: by the server's own names. */
  readonly toolsOverride: Readonly<Record<string, { readonly name?: string }>>;
}

interface CommonPlan {
  /** Full name, stored as `registry_server_name`. */
  readonly serverName: string;
  readonly transport: Transport;
  /** 0: any free port. */
  readonly proxyPort: number;
  readonly stateless: boolean;
}

export interface ContainerPlan extends CommonPlan {
  readonly kind: 'container';
  readonly image: string;
  /** 0: any free port; always 0 for stdio. */
  readonly targetPort: number;
  /** `undefined`: the built-in `network` profile. */
  readonly permissions: PermissionProfile | undefined;
  readonly serverArguments: readonly string[];
  readonly variables: ContainerEntry['env_vars'];
  readonly provenance: ContainerEntry['provenance'];
}

export interface RemotePlan extends CommonPlan {
  readonly kind: 'remote';
  readonly url: string;
  readonly headers: RemoteEntry['headers'];
  readonly variables: RemoteEntry['env_vars'];
  readonly oauth: RemoteEntry['oauth_config'];
}

const TRANSPORTS: readonly string[] = ['stdio', 'sse', 'streamable-http'];

/**
 * What a run of an entry needs, the user's values first (spec 08 §5). Variables are a step of their own, `fillVariables`, for
 * they may have to be asked for. Throws `ERR_TOOL_UNKNOWN`, and `ERR_REGISTRY_INVALID` for a transport that does not exist.
 */
export function planFromEntry(entry: ContainerEntry, given: GivenSettings): ContainerPlan;
export function planFromEntry(entry: RemoteEntry, given: GivenSettings): RemotePlan;
export function planFromEntry(entry: RegistryEntry, given: GivenSettings): ContainerPlan | RemotePlan;
export function planFromEntry(entry: RegistryEntry, given: GivenSettings): ContainerPlan | RemotePlan {
  checkTools(entry.tools, given);
  const transport = given.transport ?? transportOf(entry);
  const isHttp = transport !== 'stdio';
  const common = {
    serverName: entry.name,
    transport,
    proxyPort: given.proxyPort || (isHttp || entry.kind === 'remote' ? entry.proxy_port : 0),
    stateless: entry.stateless,
    variables: entry.env_vars,
  };
  if (entry.kind === 'remote') {
    return { kind: 'remote', ...common, url: entry.url, headers: entry.headers, oauth: entry.oauth_config };
  }
  return {
    kind: 'container',
    ...common,
    image: entry.image,
    targetPort: isHttp ? given.targetPort || entry.target_port : 0,
    permissions: given.permissions ?? entry.permissions,
    serverArguments: given.serverArguments.length > 0 ? given.serverArguments : entry.args,
    provenance: entry.provenance,
  };
}

/** Name of the workload when the user gives none: the name as typed, made fit (spec 08 §5-1). */
export function workloadNameFor(typed: string): string {
  return typed.replaceAll(/[./]/g, '-');
}

function transportOf(entry: RegistryEntry): Transport {
  const transport = entry.transport.toLowerCase() || 'streamable-http';
  if (!TRANSPORTS.includes(transport) || (entry.kind === 'remote' && transport === 'stdio')) {
    throw new ThvError('ERR_REGISTRY_INVALID', {
      reason: `registry entry ${entry.name} has an unsupported transport: ${entry.transport}`,
    });
  }
  return transport as Transport;
}

/** An entry that lists its tools has no others; a tool is called by its shown name in `--tools`. */
function checkTools(known: readonly string[], { tools, toolsOverride }: GivenSettings): void {
  if (known.length === 0) return;
  const ownName = new Map(Object.entries(toolsOverride).map(([own, { name }]) => [name ?? own, own]));
  for (const tool of [...Object.keys(toolsOverride), ...tools.map((shown) => ownName.get(shown) ?? shown)]) {
    if (!known.includes(tool)) throw new ThvError('ERR_TOOL_UNKNOWN', { tool });
  }
}
