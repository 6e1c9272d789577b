export type { RegistryContent } from './content.ts';
export { type Conversion, convertRegistry } from './convert.ts';
export { convertFileInPlace, readRegistryInput } from './convert-file.ts';
export {
  type ContainerEntry,
  type EntryHeader,
  type EntryVariable,
  entryToJson,
  type RegistryEntry,
  type RemoteEntry,
} from './entry.ts';
export {
  type GivenSettings,
  planFromEntry,
  workloadNameFor,
} from './entry-plan.ts';
export {
  type FilledVariables,
  fillHeaders,
  fillVariables,
  type ValueSources,
} from './fill-variables.ts';
export { loginToRegistry, logoutFromRegistry, setLogin, unsetLogin } from './login.ts';
export { createRegistry, type Registry } from './registry.ts';
export { setSource, unsetSource } from './set-source.ts';
export type { RegistrySource } from './source.ts';
export { toServer } from './to-upstream.ts';
