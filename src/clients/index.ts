export {
  type ClientSettings,
  type ClientStatus,
  createClientSettings,
  type GroupedServer,
  type Registered,
} from './client-settings.ts';
export type { ImportedServer, ImportPlan } from './import.ts';
export { CLIENT_IDS, discontinuationOf } from './table.ts';
export type { Server } from './types.ts';
