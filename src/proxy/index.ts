export { acceptsJson } from './accept.ts';
export { type CallerStream, createCallerStreams } from './caller-streams.ts';
export { clientUrl } from './client-url.ts';
export { type Credentials, createHeaderCredentials } from './credentials.ts';
export {
  decodeHeaderValue,
  findMirroredParams,
  HEADER_MISMATCH,
  type MirroredParam,
  MODERN_VERSION,
} from './era/index.ts';
export {
  errorCode,
  errorMessage,
  errorText,
  findMember,
  findRepeatedKey,
  findTwist,
  fold,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  idKey,
  isBatch,
  knownNames,
  type Message,
  onOneLine,
  readMessage,
  readTwists,
  SESSION_NOT_FOUND,
  splice,
  stringAt,
  twice,
} from './json-rpc/index.ts';
export type { Span } from './json-rpc/member.ts';
export { createScan, INVALID, skipSpace, skipValue } from './json-rpc/scan.ts';
export { type Listener, openListener } from './listener.ts';
export { askReadiness, probeReadiness } from './probe-readiness.ts';
export { batchRefused, twistRefused } from './refusals.ts';
export { jsonError, textError } from './respond.ts';
export { createReverseProxy, type ReverseProxy, type ReverseProxyOptions } from './reverse-proxy/proxy.ts';
export { isWhole } from './reverse-proxy/raw/exchange.ts';
export type { Tunnel } from './reverse-proxy/raw/tunnel.ts';
export { createServerStdio, type ServerStdio, type ServerStdioOptions } from './server-stdio/bridge.ts';
export type {
  Endpoint,
  Handler,
  MessageFacts,
  ReadBody,
  RequestContext,
  ServerLink,
  ServerProcess,
  SessionJournal,
  SessionRecord,
} from './types.ts';
