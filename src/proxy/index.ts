export { batchRefused } from './batch.ts';
export { clientUrl } from './client-url.ts';
export { decodeHeaderValue, findMirroredParams, type MirroredParam } from './era/index.ts';
export {
  errorText,
  findMember,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  idKey,
  isBatch,
  type Message,
  onOneLine,
  readMessage,
  SESSION_NOT_FOUND,
  splice,
  stringAt,
} from './json-rpc/index.ts';
export type { Span } from './json-rpc/member.ts';
export { createScan, INVALID, skipObject, skipSpace, skipValue } from './json-rpc/scan.ts';
export { type Listener, openListener } from './listener.ts';
export { askReadiness, probeReadiness } from './probe-readiness.ts';
export { jsonError, textError } from './respond.ts';
export { createReverseProxy, type ReverseProxy, type ReverseProxyOptions } from './reverse-proxy/proxy.ts';
export { createStdioBridge, type StdioBridge, type StdioBridgeOptions } from './stdio-bridge/bridge.ts';
export type {
  Endpoint,
  Handler,
  ReadBody,
  RequestContext,
  ServerLink,
  ServerProcess,
  SessionJournal,
  SessionRecord,
} from './types.ts';
