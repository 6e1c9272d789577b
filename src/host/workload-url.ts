import { clientUrl } from '../proxy/index.ts';
import { baseNameOf, type RunConfig } from '../records/index.ts';

/** The URL clients are given for a stored workload (spec 04 §1). */
export function urlOf(config: RunConfig): string {
  return clientUrl({
    host: config.host === '0.0.0.0' ? '127.0.0.1' : config.host,
    port: config.port,
    transport: config.transport,
    proxyMode: config.proxy_mode,
    name: baseNameOf(config),
  });
}
