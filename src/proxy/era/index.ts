export {
  CAPABILITY_MISSING,
  classifyEra,
  type EraFacts,
  HEADER_MISMATCH,
  hasEmptyEvents,
  isKnownVersion,
  META_CAPABILITIES,
  META_CLIENT,
  META_SERVER,
  META_SUBSCRIPTION,
  META_VERSION,
  type Rejection,
  unsupportedVersion,
  VERSION_UNSUPPORTED,
} from './classify.ts';
export {
  decodeHeaderValue,
  findHeaderMismatch,
  findMirroredParams,
  type MirroredParam,
} from './headers.ts';
export { rejectionResponse, rejectionText } from './respond.ts';
export { LEGACY_VERSIONS, MODERN_VERSION } from './versions.ts';
