import { clientUrl } from '../proxy/index.ts';
import { baseNameOf, kindOf, type RunConfig } from '../records/index.ts';

/** The URL of a stored workload as listings show it (spec 04 §1). */
export function urlOf(config: RunConfig): string {
  return urlAt(config.host === '0.0.0.0' ? '127.0.0.1' : config.host, config, config.proxy_mode);
}

/**
 * As it is written into clients' settings (spec 09 §6.2): whatever `--proxy-mode` announces, a stdio server answers at `/mcp`
 * too, which more clients speak than SSE. A proxy that listens where `localhost` does not lead is named by its address.
 */
export function settingsUrlOf(config: RunConfig): string {
  const isLocal = ['127.0.0.1', '0.0.0.0', 'localhost'].includes(config.host);
  return urlAt(isLocal ? 'localhost' : config.host, config, 'streamable-http');
}

function urlAt(host: string, config: RunConfig, proxyMode: RunConfig['proxy_mode']): string {
  const kinded = kindOf(config);
  return clientUrl({
    host,
    port: config.port,
    transport: config.transport,
    proxyMode,
    name: baseNameOf(config),
    ...(kinded.kind === 'remote' ? { remoteUrl: kinded.config.remote_url } : {}),
  });
}
