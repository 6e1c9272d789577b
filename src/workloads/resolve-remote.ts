import { during, ThvError } from '../errors/index.ts';
import { STDIO_REFUSED } from '../host/index.ts';
import type { Logger } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RemoteEntry } from '../registry/index.ts';
import type { ResolvedRemote } from './build-run-config.ts';
import type { Context } from './context.ts';
import { fillEntryHeaders } from './fill-environment.ts';
import { entryOrigin, type RunPlan } from './plan-run.ts';
import { checkPort, choosePorts, resolveHost, type Surroundings } from './resolve-proxy.ts';
import type { RunRequest } from './run-request.ts';
import type { RemoteSubject } from './subject.ts';
import type { Ask, OperationOptions } from './types.ts';

type RemotePlan = Pick<RunPlan, 'transport' | 'proxyPort' | 'stateless' | 'origin'>;

interface RemoteFacts extends OperationOptions {
  readonly surroundings: Surroundings;
  /** What an edit changes. Its port stays, though nothing listens on it: it stands in the document. */
  readonly present?: RunConfig | undefined;
  readonly ask?: Ask | undefined;
}

/**
 * Everything that the document of a remote server says and the request does not. Throws `ERR_HEADERS_MISSING`, and
 * `ERR_INPUT_INVALID` for a server that has to be signed in to.
 */
export async function resolveRemote(
  context: Context,
  request: RunRequest,
  subject: RemoteSubject,
  { surroundings, present, ask, signal }: RemoteFacts,
): Promise<ResolvedRemote> {
  const { logger } = context;
  const { entry, settings } = subject;
  const plan = await during('STEP_RUN_CONFIG', () => planRemote(context, request, subject, surroundings));
  const given = new Set([...Object.keys(settings.headers), ...Object.keys(settings.headerSecrets)]);
  if (has(given, 'authorization')) warnAboutAuthorization(subject, surroundings, logger);
  else if (entry?.oauth_config !== undefined) throw signInNeeded(entry);
  const filled = await during('STEP_HEADERS', () =>
    fillEntryHeaders(context, entry?.headers ?? [], given, { ask, signal }),
  );
  const host = await resolveHost(request.proxy.host);
  const ports = await during('STEP_RUN_CONFIG', async () => {
    await checkPort(request.proxy, surroundings);
    return choosePorts(
      request.proxy,
      { ...plan, targetPort: present?.target_port ?? 0 },
      surroundings,
      logger,
    );
  });
  return {
    ...surroundings,
    ...ports,
    plan,
    host,
    headers: { ...filled.plain, ...settings.headers },
    headerSecrets: { ...filled.secrets, ...settings.headerSecrets },
  };
}

async function planRemote(
  context: Context,
  { transport: given, proxy }: RunRequest,
  { entry }: RemoteSubject,
  { toolsOverride }: Surroundings,
): Promise<RemotePlan> {
  if (given === 'stdio') throw new ThvError('ERR_INPUT_INVALID', { reason: STDIO_REFUSED });
  if (entry === undefined) {
    const { port: proxyPort, stateless } = proxy;
    return { transport: given ?? 'streamable-http', proxyPort, stateless, origin: {} };
  }
  const { planFromEntry } = await import('../registry/index.ts');
  const plan = planFromEntry(entry, {
    transport: given,
    proxyPort: proxy.port,
    targetPort: 0,
    serverArguments: [],
    permissions: undefined,
    tools: proxy.tools,
    toolsOverride,
  });
  const { transport, proxyPort } = plan;
  const origin = entryOrigin(plan.serverName, await (await context.registry()).source());
  return { transport, proxyPort, stateless: proxy.stateless || plan.stateless, origin };
}

function warnAboutAuthorization({ settings }: RemoteSubject, { name }: Surroundings, logger: Logger): void {
  const isStoredAsItIs = has(new Set(Object.keys(settings.headers)), 'authorization');
  logger.warn("clients' own Authorization header is replaced by the one that is forwarded", {
    workload: name,
    ...(isStoredAsItIs
      ? {
          advice:
            'its value is stored as it is; --remote-forward-headers-secret keeps it in the secrets store',
        }
      : {}),
  });
}

function signInNeeded({ name }: RemoteEntry): ThvError {
  return new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `${name} is a remote server that has to be signed in to with OAuth, which this version cannot do`,
    },
    { hint: 'give it a token: --remote-forward-headers-secret Authorization=SECRET' },
  );
}

function has(names: ReadonlySet<string>, lowerCaseName: string): boolean {
  return [...names].some((name) => name.toLowerCase() === lowerCaseName);
}
