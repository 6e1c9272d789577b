import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import { isUsageMetricsForbidden } from '../updates/index.ts';

interface EndpointOptions {
  readonly paths: Pick<Paths, 'config'>;
  /** Environment of the process that starts the workload. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * Where usage metrics go: `usage_metrics_url` of `config.yaml`, and nowhere else. `undefined` when none is named or
 * anything says no (spec 09 §9.2). What is wrong with the configuration is logged: metrics hold nobody back.
 */
export async function findUsageEndpoint({
  paths,
  env,
  logger,
}: EndpointOptions): Promise<string | undefined> {
  if (isUsageMetricsForbidden(env)) return undefined;
  // Read as text first: most people name no endpoint, and a host must not load a YAML parser to learn that.
  const text = await readFile(join(paths.config, 'config.yaml'), 'utf8').catch(() => '');
  if (!text.includes('usage_metrics_url')) return undefined;
  try {
    const { createConfigStore } = await import('../config/index.ts');
    const { disable_usage_metrics, usage_metrics_url } = await createConfigStore(paths).read();
    if (disable_usage_metrics || !usage_metrics_url) return undefined;
    if (isHttpUrl(usage_metrics_url)) return usage_metrics_url;
    logger.warn('no usage metrics: usage_metrics_url is not an http:// or https:// address');
  } catch (error) {
    logger.warn('no usage metrics: the configuration cannot be read', { error: messageOf(error) });
  }
  return undefined;
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}
