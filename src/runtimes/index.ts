export type { Confinement } from './confinement.ts';
export {
  deleteNetworkLog,
  type NetworkAttempts,
  type NetworkEntry,
  networkLogPath,
  parseNetworkEntry,
  readNetworkAttempts,
} from './network-log.ts';
export type {
  Auxiliary,
  AuxiliaryProgram,
  Leftover,
  Order,
  OutputChunk,
  Place,
  Runtime,
  Sighting,
} from './runtime.ts';
export type { Backend, RunningServer, ServerEvent } from './server.ts';
export { createRuntimes, KINDS, type Runtimes } from './table.ts';
