export { clientUrl } from './client-url.ts';
export { INVALID_REQUEST } from './json-rpc/index.ts';
export { type Listener, openListener } from './listener.ts';
export { probeReadiness } from './probe-readiness.ts';
export { jsonError, textError } from './respond.ts';
export { createReverseProxy, type ReverseProxy, type ReverseProxyOptions } from './reverse-proxy/proxy.ts';
export { createStdioBridge, type StdioBridge, type StdioBridgeOptions } from './stdio-bridge/bridge.ts';
export type {
  Endpoint,
  Handler,
  RequestContext,
  ServerLink,
  ServerProcess,
  SessionJournal,
  SessionRecord,
} from './types.ts';
