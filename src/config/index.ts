export type { ApplicationConfig, RuntimeConfig } from './schema.ts';
export { type ConfigStore, createConfigStore } from './store.ts';
