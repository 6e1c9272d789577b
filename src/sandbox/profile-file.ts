import { isIP } from 'node:net';
import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile } from '../platform/index.ts';
import { type PermissionProfile, PermissionProfileSchema, parseTcpRoute } from '../records/index.ts';
import { parseMountDeclaration, volumeNameOf } from './mount-declaration.ts';
import { networkProfile } from './permission-profile.ts';

/** Where the sidecar answers DNS and HTTP proxy requests. */
const SIDECAR_PORTS: ReadonlySet<number> = new Set([53, 3128]);

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?';
/** A host name, or `.suffix` for a domain and all below it. */
const HOST = new RegExp(`^\\.?${LABEL}(?:\\.${LABEL})*$`);

/** No files, no traffic (spec 03 §5.2). */
function noneProfile(): PermissionProfile {
  return { name: 'none', network: { outbound: {}, inbound: {} } };
}

/** `--permission-profile`: a built-in by name, else a JSON file (spec 03 §5.3). Throws `ERR_PROFILE_INVALID`. */
export async function readPermissionProfile(nameOrPath: string): Promise<PermissionProfile> {
  if (nameOrPath === 'none' || nameOrPath === 'stdio') return noneProfile();
  if (nameOrPath === 'network') return networkProfile();
  const text = await readText(nameOrPath);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw invalid(`failed to parse permission profile: ${nameOrPath}: ${messageOf(error)}`);
  }
  // A list would pass for a profile that says nothing, and so grants all of the network.
  if (Array.isArray(raw)) throw invalid(`failed to parse permission profile: ${nameOrPath}: not an object`);
  const parsed = v.safeParse(PermissionProfileSchema, raw);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
    throw invalid(`failed to parse permission profile: ${nameOrPath}: ${problems.join('; ')}`);
  }
  checkProfile(parsed.output, nameOrPath);
  return parsed.output;
}

/**
 * Refuses what would be handed on to a firewall or an engine as it stands (spec 03 §15-B9): ports out of range, hosts that
 * are none, mounts without a source or an absolute target. `origin` names where the profile came from. All problems at once.
 */
export function checkProfile(profile: PermissionProfile, origin: string): void {
  const hosts = [
    ...(profile.network?.outbound?.allow_host ?? []),
    ...(profile.network?.inbound?.allow_host ?? []),
  ];
  const problems = [
    ...hosts.filter((host) => !HOST.test(host) && isIP(host) === 0).map((host) => `invalid host "${host}"`),
    ...(profile.network?.outbound?.allow_port ?? [])
      .filter((port) => !Number.isInteger(port) || port < 1 || port > 65_535)
      .map((port) => `invalid port ${port} (must be between 1 and 65535)`),
    ...tcpRouteProblems(profile.network?.outbound?.allow_tcp ?? []),
    ...[...(profile.read ?? []), ...(profile.write ?? [])].flatMap(mountProblems),
  ];
  if (problems.length > 0) throw invalid(`invalid permission profile ${origin}: ${problems.join('; ')}`);
}

/** A container finds all its routes at one address, that of the sidecar, so a port can lead to one host only. */
function tcpRouteProblems(texts: readonly string[]): readonly string[] {
  const hosts = new Map<number, string>();
  return texts.flatMap((text) => {
    const route = parseTcpRoute(text);
    if (route === undefined)
      return [
        `invalid allow_tcp entry "${text}" (must be a host name and a port, such as db.example.com:5432)`,
      ];
    const { host, port } = route;
    if (SIDECAR_PORTS.has(port))
      return [`invalid allow_tcp entry "${text}" (port ${port} is the sidecar's own)`];
    const other = hosts.get(port) ?? host;
    hosts.set(port, other);
    return other === host ? [] : [`allow_tcp has two hosts for port ${port}: ${other} and ${host}`];
  });
}

function mountProblems(declaration: string): readonly string[] {
  if (declaration.startsWith(':') || declaration.endsWith(':') || declaration === '') {
    return [`invalid mount "${declaration}" (one side is empty)`];
  }
  try {
    const { source, target } = parseMountDeclaration(declaration);
    volumeNameOf(source); // throws for a name that no engine takes
    return target.startsWith('/') ? [] : [`mount target must be absolute: ${declaration}`];
  } catch (error) {
    return [messageOf(error)];
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw invalid(`failed to read permission profile: ${messageOf(error)}`, error);
  }
}

function invalid(reason: string, cause?: unknown): ThvError {
  return new ThvError(
    'ERR_PROFILE_INVALID',
    { reason },
    {
      cause,
      hint: 'give "none", "network", or the path of a JSON file with read, write, network and privileged',
    },
  );
}
