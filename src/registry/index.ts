export type { RegistryContent, SkippedEntry } from './content.ts';
export {
  type ContainerEntry,
  type EntryVariable,
  entryToJson,
  type RegistryEntry,
  type RemoteEntry,
} from './entry.ts';
export {
  type ContainerPlan,
  type GivenSettings,
  planFromEntry,
  type RemotePlan,
  workloadNameFor,
} from './entry-plan.ts';
export {
  type FilledVariables,
  fillHeaders,
  fillVariables,
  type Question,
  type SecretValues,
} from './fill-variables.ts';
export { createRegistry, type Registry } from './registry.ts';
export type { RegistrySource } from './source.ts';
