export { compareTools, type ToolDifference } from './compare.ts';
export {
  changedParts,
  type Definition,
  definitionOf,
  type Fingerprint,
  fingerprintOf,
  PARTS,
} from './definition.ts';
export { createLockReader, deleteLock, lockPath, readLock, type ToolLock, writeLock } from './lock.ts';
