export { type ClientUrlFacts, clientUrl } from './client-url.ts';
export { type Listener, type ListenerOptions, openListener } from './listener.ts';
export { probeReadiness, type ReadinessOptions } from './probe-readiness.ts';
export { jsonError, textError } from './respond.ts';
export { createReverseProxy, type ReverseProxy, type ReverseProxyOptions } from './reverse-proxy/proxy.ts';
export { createStdioBridge, type StdioBridge, type StdioBridgeOptions } from './stdio-bridge/bridge.ts';
export type {
  Endpoint,
  Handler,
  Health,
  RequestContext,
  ServerLink,
  ServerProcess,
  SessionJournal,
  SessionRecord,
} from './types.ts';
