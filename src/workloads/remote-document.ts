import { during, ThvError, within } from '../errors/index.ts';
import { refuseUnsupported, STDIO_REFUSED } from '../host/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { EntryHeader, EntryVariable, RemoteEntry } from '../registry/index.ts';
import { buildRunConfig } from './build-run-config.ts';
import type { Context } from './context.ts';
import { fillEntryHeaders } from './fill-environment.ts';
import { parseForwardHeaderSecrets, parseForwardHeaders } from './forward-header-flags.ts';
import { entryOrigin, type RunPlan } from './plan-run.ts';
import type { RemoteSource } from './remote-source.ts';
import type { ToolsOverride } from './tools-override.ts';
import type { Ask, OperationOptions, RunRequest } from './types.ts';

/** What is the same for every remote server until signing in to one is asked for (spec 02 §1.9). */
const TIMEOUT_NANOSECONDS = 30_000_000_000;
const CALLBACK_PORT = 8666;
/** The reference's zero time, which it always writes. */
const NEVER = '0001-01-01T00:00:00Z';

interface DocumentFacts extends OperationOptions {
  readonly name: WorkloadName;
  readonly remote: RemoteSource;
  readonly ownPort: number | undefined;
  readonly toolsOverride: ToolsOverride;
  readonly countsToolCalls: boolean;
  readonly reservedPorts: ReadonlySet<number>;
  readonly ask?: Ask | undefined;
}

/**
 * The document of a workload whose server is reached by its URL (spec 06 §1.3, §1.4). Throws what `buildRunConfig` throws,
 * `ERR_HEADERS_MISSING`, and `ERR_INPUT_INVALID` for a server that has to be signed in to.
 */
export async function buildRemoteConfig(
  context: Context,
  request: RunRequest,
  { name, remote, ownPort, toolsOverride, countsToolCalls, reservedPorts, ask, signal }: DocumentFacts,
): Promise<RunConfig> {
  const { logger } = context;
  const { url, entry } = remote;
  const plan = await during('STEP_RUN_CONFIG', () => planRemote(context, request, remote, toolsOverride));
  const plain = await within('failed to parse header forward flags', () =>
    parseForwardHeaders(request.forwardHeaders ?? []),
  );
  const fromSecrets = await within('failed to parse header secret flags', () =>
    parseForwardHeaderSecrets(request.forwardHeaderSecrets ?? []),
  );
  const given = new Set([...Object.keys(plain), ...Object.keys(fromSecrets)]);
  if (has(given, 'authorization')) {
    logger.warn("clients' own Authorization header is replaced by the one that is forwarded", {
      workload: name,
      ...(has(new Set(Object.keys(plain)), 'authorization')
        ? {
            advice:
              'its value is stored as it is; --remote-forward-headers-secret keeps it in the secrets store',
          }
        : {}),
    });
  } else if (entry?.oauth_config !== undefined) throw signInNeeded(entry);
  const filled = await during('STEP_HEADERS', () =>
    fillEntryHeaders(context, entry?.headers ?? [], given, { ask, signal }),
  );
  const document = await buildRunConfig(asRemote(request, remote), {
    name,
    image: async () => request.imageOfRemote ?? request.source,
    ownPort,
    plan,
    toolsOverride,
    countsToolCalls,
    fill: async () => ({ environment: {}, secrets: [] }),
    reservedPorts,
    logger,
  });
  const config: RunConfig = {
    ...document,
    remote_url: url,
    remote_auth_config: {
      timeout: TIMEOUT_NANOSECONDS,
      callback_port: CALLBACK_PORT,
      use_pkce: false,
      ...declared('headers', request.declaredHeaders ?? entry?.headers.map(withoutBlanks)),
      ...declared('env_vars', entry?.env_vars.map(withoutBlanks)),
      cached_token_expiry: NEVER,
      cached_secret_expiry: NEVER,
    },
    header_forward: {
      ...declared('add_plaintext_headers', { ...filled.plain, ...plain }),
      ...declared('add_headers_from_secret', { ...filled.secrets, ...fromSecrets }),
    },
  };
  await during('STEP_RUN_CONFIG', async () => refuseUnsupported(config, context.runtimes.byKind.remote));
  return config;
}

async function planRemote(
  context: Context,
  request: RunRequest,
  { entry }: RemoteSource,
  toolsOverride: ToolsOverride,
): Promise<RunPlan> {
  if (request.transport === 'stdio') throw new ThvError('ERR_INPUT_INVALID', { reason: STDIO_REFUSED });
  const common = {
    targetPort: request.targetPort,
    permissions: undefined,
    serverArguments: [],
    variables: [],
  };
  if (entry === undefined) {
    const { transport = 'streamable-http', proxyPort, stateless } = request;
    return { ...common, transport, proxyPort, stateless, origin: {} };
  }
  const { planFromEntry } = await import('../registry/index.ts');
  const plan = planFromEntry(entry, { ...request, toolsOverride, permissions: undefined });
  const origin = entryOrigin(plan.serverName, await (await context.registry()).source());
  const { transport, proxyPort, stateless } = plan;
  return { ...common, transport, proxyPort, stateless: request.stateless || stateless, origin };
}

/** Without what the API sends back of every document, and without a registry's defaults for containers. */
function asRemote(request: RunRequest, { url, entry }: RemoteSource): RunRequest {
  const { permissions: _, ...rest } = request;
  return {
    ...rest,
    targetHost: new URL(url).host,
    environment: entry === undefined ? [] : request.environment,
    targetPort: 0,
  };
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

/** As the reference writes it: `name`, `description` and `required` always, the rest if it says something. */
function withoutBlanks({
  name,
  description,
  required,
  ...rest
}: EntryVariable | EntryHeader): Readonly<Record<string, unknown>> {
  const isSaid = ([, value]: readonly [string, unknown]) =>
    Array.isArray(value) ? value.length > 0 : value !== '' && value !== false;
  return { name, description, required, ...Object.fromEntries(Object.entries(rest).filter(isSaid)) };
}

function declared(key: string, value: object | undefined): Readonly<Record<string, object>> {
  return value === undefined || Object.keys(value).length === 0 ? {} : { [key]: value };
}
