import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hasCode, within } from '../errors/index.ts';
import type { Services } from '../middleware/index.ts';
import type { Authenticator, BearerToken, Identity } from '../oidc/index.ts';
import type { Logger } from '../platform/index.ts';
import {
  type CallerRules,
  callerRulesOf,
  type OidcConfig,
  type RunConfig,
  secretNameOf,
} from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import type { TokenChecker } from '../tokens/index.ts';
import type { RunEnvironment } from './environment.ts';

interface CallersOptions {
  readonly stateFolder: string;
  readonly workload: string;
  readonly environment: RunEnvironment;
  readonly logger: Logger;
  readonly openSecrets: () => Promise<SecretsStore>;
}

/** Who may call a workload that asks for tokens (spec 05 §4, §19). */
export interface WorkloadCallers extends NonNullable<Services['callers']> {
  /** RFC 9728 metadata, open to everybody; absent without an identity provider. */
  readonly metadata: ((request: Request) => Response) | undefined;
  /** `Authorization` by which this run itself is let in when it asks whether its server is ready. */
  readonly ownAuthorization: string;
}

/**
 * `undefined` for a workload that asks for no token: nothing of all this is loaded then. Throws `ERR_RUN_CONFIG_INVALID`,
 * `ERR_OIDC_SETTINGS_INVALID`, `ERR_FILE_UNREADABLE`, and what the secrets store throws.
 */
export async function openCallers(
  config: RunConfig,
  options: CallersOptions,
  resources: AsyncDisposableStack,
): Promise<WorkloadCallers | undefined> {
  const rules = callerRulesOf(config);
  if (rules.oidc === undefined && !rules.requireToken) return undefined;
  const oidc = await import('../oidc/index.ts');
  const authenticator = await openAuthenticator(rules, options);
  if (authenticator !== undefined && config.transport !== 'stdio' && config.remote_url === undefined)
    options.logger.info('the server is sent the tokens of its clients');
  const tokens = await openTokens(rules, options, resources);
  const isAccessToken = tokens && (await import('../tokens/index.ts')).isAccessToken;
  const ownToken = `thvr_${randomBytes(32).toString('hex')}`;
  const own = ownIdentity(options.workload, new oidc.BearerToken(ownToken));
  const ownAuthorization = `Bearer ${ownToken}`;
  const settings = authenticator?.settings ?? oidc.NO_OIDC;
  const resource = { settings, resourceUrl: rules.oidc?.ResourceURL ?? '' };

  function answerTo(error: unknown): Response {
    if (hasCode(error, 'ERR_TOKEN_REJECTED')) return oidc.challenge(error, resource);
    if (hasCode(error, 'ERR_PROVIDER_UNREACHABLE')) return oidc.providerUnavailable();
    if (!hasCode(error, 'ERR_ACCESS_TOKENS_UNREADABLE')) throw error;
    options.logger.error('callers cannot be let in', { error });
    return oidc.providerUnavailable('access tokens cannot be checked');
  }

  function judge(authorization: string | null): Identity | Promise<Identity> {
    if (authorization !== null && isSame(authorization, ownAuthorization)) return own;
    if (tokens !== undefined && isAccessToken !== undefined) {
      const bearer = authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '';
      if (isAccessToken(bearer)) return tokens.check(oidc.readBearer(authorization));
    }
    if (authenticator !== undefined) return authenticator.authenticate(authorization);
    oidc.readBearer(authorization);
    throw oidc.rejected('an access token of thv token create is needed');
  }

  return {
    limitsTools: tokens !== undefined,
    ownAuthorization,
    metadata: rules.oidc && ((request) => oidc.resourceMetadata(request, resource)),
    admit(authorization) {
      try {
        const identity = judge(authorization);
        return identity instanceof Promise ? identity.catch(answerTo) : identity;
      } catch (error) {
        return answerTo(error);
      }
    },
    watch: (identity, end) => (identity === own ? undefined : tokens?.watch(identity, end)),
  };
}

async function openAuthenticator(
  { oidc: config }: CallerRules,
  options: CallersOptions,
): Promise<Authenticator | undefined> {
  if (config === undefined) return undefined;
  const { openAuthenticator: open, settingsFrom } = await import('../oidc/index.ts');
  const { environment: env, logger } = options;
  return await within('failed to create authentication middleware', async () =>
    open(settingsFrom(config, await clientSecretOf(config, options)), { env, logger }),
  );
}

/** The value behind a stored client secret; one that is stored as it is still works (spec 05 §20-19). */
export async function clientSecretOf(
  config: OidcConfig,
  { openSecrets }: Pick<CallersOptions, 'openSecrets'>,
): Promise<string> {
  const secret = secretNameOf(config);
  if (secret === undefined) return config.ClientSecret;
  const { scopedSecrets } = await import('../secrets/index.ts');
  return await within(`failed to get the OIDC client secret '${secret}'`, async () =>
    scopedSecrets(await openSecrets(), 'workloads').get(secret),
  );
}

async function openTokens(
  { requireToken }: CallerRules,
  { stateFolder, workload }: CallersOptions,
  resources: AsyncDisposableStack,
): Promise<TokenChecker | undefined> {
  if (!requireToken) return undefined;
  const { createTokenChecker } = await import('../tokens/index.ts');
  return resources.use(createTokenChecker({ stateFolder, workload }));
}

/** The run itself, which asks whether its server is ready. */
function ownIdentity(workload: string, token: BearerToken): Identity {
  const subject = 'toolhive:readiness';
  return {
    kind: 'key',
    subject,
    platformUserId: subject,
    name: undefined,
    email: undefined,
    claims: { sub: subject, iss: 'toolhive-local', aud: 'toolhive', workload },
    delegation: undefined,
    token,
    owner: subject,
    tools: undefined,
  };
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
