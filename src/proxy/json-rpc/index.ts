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
export { findMember, stringAt } from './member.ts';
export {
  errorCode,
  isBatch,
  type Message,
  type Notification,
  type Request,
  type Response,
  readMessage,
  readTwists,
} from './message.ts';
export { findRepeatedKey } from './repeated-key.ts';
export { detach, type Edit, onOneLine, onOneStdinLine, splice } from './splice.ts';
export { findTwist, fold, knownNames, twice } from './twist.ts';
