import type { ClientSettings, Server } from '../clients/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import { containerNameOf, type RunConfig } from '../records/index.ts';
import { settingsUrlOf } from './workload-url.ts';

interface ClientEntryOptions {
  readonly paths: Paths;
  /** Tells whose settings: those of the user who started the workload. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Loaded when there is something to write: a host that only serves needs no editors of other programs' settings. */
export async function openClientSettings({
  paths,
  environment,
  logger,
}: ClientEntryOptions): Promise<ClientSettings> {
  const { createClientSettings } = await import('../clients/index.ts');
  return createClientSettings({ env: environment, paths, logger });
}

/** A stored workload as clients know it: under its container's name (spec 02 §10.2). */
export function serverOf(config: RunConfig): Server {
  return {
    name: containerNameOf(config),
    url: settingsUrlOf(config),
    endpoint: config.transport === 'sse' ? 'sse' : 'streamable-http',
  };
}
