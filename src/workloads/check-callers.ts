import { isDeepStrictEqual } from 'node:util';
import { within } from '../errors/index.ts';
import { checkOidcSettings, NO_OIDC, readOidcFiles, settingsFrom, storedFrom } from '../oidc/index.ts';
import type { Logger } from '../platform/index.ts';
import { asksForTokens, callerRulesOf, type RunConfig } from '../records/index.ts';
import type { Context } from './context.ts';
import type { CallerSettings } from './run-request.ts';

/**
 * All that can be wrong with the settings for tokens before anybody brings one: URLs, files, and what does not fit together (spec
 * 05 §4.1). Throws `ERR_OIDC_SETTINGS_INVALID`, `ERR_FILE_UNREADABLE`.
 */
export async function checkCallers(
  { env, logger }: Pick<Context, 'env' | 'logger'>,
  { oidc, resourceUrl }: Pick<CallerSettings, 'oidc' | 'resourceUrl'>,
): Promise<void> {
  if (isDeepStrictEqual(oidc, NO_OIDC)) return;
  if (!asksForTokens(storedFrom(oidc, resourceUrl))) return warnOfNoEffect(logger);
  await within('failed to create authentication middleware', async () => {
    checkOidcSettings(oidc, env);
    await readOidcFiles(oidc);
  });
}

/**
 * The same for a document made elsewhere. What its chain alone asks for is put into the fields, where everything else looks for it.
 * Throws `ERR_RUN_CONFIG_INVALID` for one that contradicts itself.
 */
export async function checkCallersOf(
  context: Pick<Context, 'env' | 'logger'>,
  config: RunConfig,
): Promise<RunConfig> {
  const { oidc, requireToken } = callerRulesOf(config);
  if (oidc !== undefined)
    await checkCallers(context, { oidc: settingsFrom(oidc, ''), resourceUrl: oidc.ResourceURL });
  return {
    ...config,
    ...(oidc === undefined ? {} : { oidc_config: oidc }),
    ...(requireToken ? { require_token: true } : {}),
  };
}

function warnOfNoEffect(logger: Logger): void {
  logger.warn('settings for OIDC have no effect: no token is asked for', {
    remedy: 'give --oidc-issuer, --oidc-jwks-url or --oidc-introspection-url as well',
  });
}
