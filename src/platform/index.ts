export { writeFileAtomic } from './atomic-file.ts';
export { createBackground } from './background.ts';
export { becomeRuntimeIfCalledSo } from './become-runtime.ts';
export { openBrowser } from './browser.ts';
export { loadCLibrary } from './c-library.ts';
export { type Deadline, givenUp, startDeadline } from './deadline.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { acquireLock, type HeldLock, isLocked, removeLeftovers, tryLock } from './file-lock.ts';
export { followFile } from './follow-file.ts';
export { formatLocalTime } from './local-time.ts';
export {
  createLogger,
  createReportingLogger,
  type LogEntry,
  type LogFields,
  type Logger,
  type LogLevel,
  silentLogger,
} from './log.ts';
export { isTaken, listenTwin } from './loopback.ts';
export { NEVER_IDLE } from './never-idle.ts';
export { homeOf, type Paths, resolvePaths } from './paths.ts';
export { findFreePort, isPortAvailable } from './ports.ts';
export {
  beginOfProcess,
  commandLineOf,
  environmentOf,
  isProcessAlive,
  openOutput,
  processIds,
  spawnDetached,
  terminateProcess,
} from './processes.ts';
export { isUnfinished, readBody } from './read-body.ts';
export { readHead, readRegularFile, withRegularFile } from './regular-file.ts';
export { removeLeftTrees, removeTree, removeTreeSync } from './remove-tree.ts';
export { openRotatingFile, type RotatingFile } from './rotating-file.ts';
export { selfCommand } from './self.ts';
export { similarNames } from './similar-names.ts';
export { readTextFile, withoutByteOrderMark } from './text-file.ts';
export { aborted, sleep, unlessAborted } from './wait.ts';
