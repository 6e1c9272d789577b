import { toThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { parseWorkloadName, type RunConfig, type RunConfigStore } from '../records/index.ts';

/** Workloads whose documents refer to a secret by name, sorted (spec 09 §5.8). Documents that cannot be read are passed over. */
export async function usersOfSecret(
  { runConfigs, logger }: { readonly runConfigs: RunConfigStore; readonly logger: Logger },
  secret: string,
): Promise<readonly string[]> {
  const users: string[] = [];
  for (const name of await runConfigs.names()) {
    try {
      const config = await runConfigs.find(parseWorkloadName(name));
      if (config !== undefined && secretsOf(config).has(secret)) users.push(name);
    } catch (error) {
      logger.debug('skipping unreadable run config', { workload: name, error: toThvError(error).message });
    }
  }
  return users.sort();
}

/**
 * Environment, headers and webhooks. What the program itself keeps for a workload (tokens, client secrets) has names of its own
 * and is no concern of the user's.
 */
export function secretsOf(config: RunConfig): ReadonlySet<string> {
  const { header_forward, validating_webhooks, mutating_webhooks } = config as Readonly<
    Record<string, unknown>
  >;
  const fromHeaders = valuesOf(fieldOf(header_forward, 'add_headers_from_secret'));
  const fromWebhooks = [...valuesOf(validating_webhooks), ...valuesOf(mutating_webhooks)].map((webhook) =>
    fieldOf(webhook, 'hmac_secret_ref'),
  );
  const references = [...(config.secrets ?? []), ...fromHeaders, ...fromWebhooks];
  return new Set(
    references.flatMap((reference) => (typeof reference === 'string' ? [nameOf(reference)] : [])),
  );
}

/** `NAME` of `NAME,target=TARGET`, which is also how a webhook may name its secret. */
function nameOf(reference: string): string {
  return reference.split(',')[0] ?? reference;
}

function valuesOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}
