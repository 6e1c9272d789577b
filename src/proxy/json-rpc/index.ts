export {
  errorText,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  notificationText,
  requestText,
  resultText,
  SESSION_NOT_FOUND,
  TIMEOUT,
} from './compose.ts';
export { idKey } from './id.ts';
export { findMember, type Span, stringAt } from './member.ts';
export {
  elementsOf,
  errorCode,
  errorMessage,
  isBatch,
  type Message,
  type Notification,
  type Request,
  type Response,
  readMessage,
  readTwists,
} from './message.ts';
export { createOwnIds, ownIdAt } from './own-ids.ts';
export { findRepeatedKey } from './repeated-key.ts';
export { createScan, skipArray } from './scan.ts';
export { detach, type Edit, onOneLine, onOneStdinLine, splice } from './splice.ts';
export { findTwist, fold, knownNames, twice } from './twist.ts';
