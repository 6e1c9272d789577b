import * as v from 'valibot';
import { hasCode, ThvError, within } from '../errors/index.ts';
import { auditParametersOf } from '../host/index.ts';
import { RateLimitSchema } from '../middleware/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { ContainerEntry } from '../registry/index.ts';
import { checkSecrets } from './check-secrets.ts';
import type { Context } from './context.ts';
import { prepareServer } from './prepare-server.ts';
import { checkTokenExchange } from './resolve-token-exchange.ts';
import { finding } from './subject.ts';
import type { OperationOptions, RunInteraction } from './types.ts';

interface Runnable {
  readonly config: RunConfig;
  readonly isReady?: boolean;
  readonly origin?: Origin | undefined;
}

/** What a document was just made from. */
export interface Origin {
  /** As it was typed. */
  readonly word: string;
  readonly entry: ContainerEntry | undefined;
}

/** Makes sure that the secrets of a document and its server are there (`isReady`: the server is); gives the document with what is there. */
export async function makeRunnable(
  context: Context,
  { config, isReady = false, origin }: Runnable,
  options: OperationOptions & RunInteraction,
): Promise<RunConfig> {
  await within('failed to validate workload parameters', () => checkSecrets(context, config, options));
  // Loaded where something is audited.
  if (auditParametersOf(config) !== undefined)
    await (await import('./resolve-audit.ts')).checkStoredAudit(config);
  if (config.token_exchange_config)
    await within('invalid token exchange configuration', () =>
      checkTokenExchange(config.token_exchange_config),
    );
  if (config.rate_limit_config) checkRateLimits(config.rate_limit_config);
  if (config.validating_webhooks || config.mutating_webhooks)
    (await import('./resolve-webhooks.ts')).checkStoredWebhooks(config);
  const runnable = isReady ? config : await prepare(context, config, { ...options, origin });
  options.signal?.throwIfAborted();
  return runnable;
}

async function prepare(
  context: Context,
  config: RunConfig,
  { origin, ...options }: OperationOptions & RunInteraction & Pick<Runnable, 'origin'>,
): Promise<RunConfig> {
  try {
    return await prepareServer(context, config, { ...options, entry: origin?.entry });
  } catch (error) {
    // Verifying an image is part of finding it (spec 01 §4.4, step 9).
    const isOfFinding = origin !== undefined && hasCode(error, 'ERR_IMAGE_UNVERIFIED');
    throw isOfFinding ? error.within(finding(origin.word)) : error;
  }
}

function checkRateLimits(config: unknown): void {
  const parsed = v.safeParse(RateLimitSchema, config);
  if (parsed.success) return;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'config'}: ${issue.message}`);
  throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: `rate_limit_config: ${problems.join('; ')}` });
}
