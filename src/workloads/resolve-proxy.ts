import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, ThvError } from '../errors/index.ts';
import type { TokenExchangeConfig } from '../middleware/index.ts';
import { isOidcOn } from '../oidc/index.ts';
import { findFreePort, isPortAvailable, type Logger } from '../platform/index.ts';
import type { Transport, WorkloadName } from '../records/index.ts';
import { findUsageEndpoint } from '../usage/index.ts';
import { readAuthorization, type StoredAuthorization } from './authorization.ts';
import type { Context } from './context.ts';
import type { StoredAudit } from './resolve-audit.ts';
import { resolveTokenExchange } from './resolve-token-exchange.ts';
import { resolveWebhooks, type StoredWebhooks } from './resolve-webhooks.ts';
import type { ProxySettings } from './run-request.ts';
import { readToolsOverride, type ToolsOverride } from './tools-override.ts';

/** What a run of any kind is made beside. */
export interface Surroundings {
  readonly name: WorkloadName;
  readonly toolsOverride: ToolsOverride;
  readonly audit: StoredAudit | undefined;
  readonly tokenExchange: TokenExchangeConfig | undefined;
  readonly webhooks: StoredWebhooks;
  readonly countsToolCalls: boolean;
  readonly authorization: StoredAuthorization | undefined;
  readonly locksTools: boolean;
  /** Ports that other workloads come back to when they are started. */
  readonly reservedPorts: ReadonlySet<number>;
  /** The workload's own port while it is given other settings: taken, but by itself. */
  readonly ownPort: number | undefined;
}

/** Throws `ERR_FILE_UNREADABLE`, `ERR_INPUT_INVALID` or `ERR_AUTHZ_INVALID` for a file that makes no sense. */
export async function findSurroundings(
  context: Context,
  proxy: ProxySettings,
  { name, ownPort }: Pick<Surroundings, 'name' | 'ownPort'>,
): Promise<Surroundings> {
  warnOfOneCaller(context, proxy);
  return {
    name,
    ownPort,
    webhooks: await resolveWebhooks(proxy.webhookFiles),
    tokenExchange: proxy.tokenExchange && (await resolveTokenExchange(proxy.tokenExchange)),
    audit: proxy.audit && (await (await import('./resolve-audit.ts')).resolveAudit(proxy.audit)),
    toolsOverride: { ...(await readToolsOverride(proxy.toolsOverrideFile)), ...proxy.toolsOverride },
    reservedPorts: await portsOfOthers(context, name),
    authorization:
      proxy.authzConfigFile === undefined ? undefined : await readAuthorization(proxy.authzConfigFile),
    locksTools: proxy.locksTools,
    countsToolCalls: (await findUsageEndpoint(context)) !== undefined,
  };
}

/** Without a check of tokens all callers are one to the policies (spec 05 §20-25). */
function warnOfOneCaller({ logger }: Context, { authzConfigFile, callers }: ProxySettings): void {
  if (authzConfigFile === undefined || isOidcOn(callers.oidc) || callers.requireToken) return;
  logger.warn('without --oidc-issuer or --require-token, policies see every caller as the local user');
}

/** The IPv4 address itself, or the first one of a host name (spec 01 §4.3). */
export async function resolveHost(host: string): Promise<string> {
  const invalid = (why: string, cause?: unknown) =>
    new ThvError('ERR_INPUT_INVALID', { reason: `invalid host: ${host}${why}` }, { cause });
  if (isIP(host) === 4) return host;
  if (isIP(host) === 6) throw invalid(` (IPv6 addresses are not supported: ${host})`);
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw invalid(` (${messageOf(error)})`, error);
  }
}

/** Throws `ERR_PORT_UNAVAILABLE` for a port that the user asked for and does not get. */
export async function checkPort({ port }: ProxySettings, { ownPort }: Surroundings): Promise<void> {
  if (port !== 0 && port !== ownPort && !(await isPortAvailable(port)))
    throw new ThvError('ERR_PORT_UNAVAILABLE', { port });
}

interface WantedPorts {
  readonly transport: Transport;
  /** What the source suggests, when the user asks for none; 0 for any free port. */
  readonly proxyPort: number;
  /** 0 for any free port. */
  readonly targetPort: number;
}

/** The user's port has to be free; one that the source suggests gives way. */
export async function choosePorts(
  proxy: ProxySettings,
  { transport, proxyPort, targetPort }: WantedPorts,
  surroundings: Surroundings,
  logger: Logger,
): Promise<{ readonly port: number; readonly targetPort: number }> {
  const port = await chooseProxyPort(proxy, proxyPort, surroundings, logger);
  if (transport === 'stdio') return { port, targetPort: 0 };
  const taken = new Set([...surroundings.reservedPorts, port]);
  return { port, targetPort: targetPort || (await findFreePort(taken)) };
}

async function chooseProxyPort(
  proxy: ProxySettings,
  suggested: number,
  surroundings: Surroundings,
  logger: Logger,
): Promise<number> {
  const { ownPort, reservedPorts } = surroundings;
  const requested = proxy.port;
  if (ownPort !== undefined && (requested === 0 || requested === ownPort)) return ownPort;
  if (requested !== 0) {
    await checkPort(proxy, surroundings); // again: making the image takes its time
    return requested;
  }
  if (suggested === 0) return findFreePort(reservedPorts);
  if (!reservedPorts.has(suggested) && (await isPortAvailable(suggested))) return suggested;
  logger.warn('the port that the registry suggests is not available, another one is used', {
    port: suggested,
  });
  return findFreePort(reservedPorts);
}

/** Ports that other stored workloads come back to. */
export async function portsOfOthers(context: Context, name: WorkloadName): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  for (const other of await context.runConfigs.names()) {
    if (other === name) continue;
    try {
      const config = await context.runConfigs.find(other as WorkloadName);
      if (config !== undefined) ports.add(config.port);
    } catch {
      // an unreadable document reserves no port
    }
  }
  return ports;
}
