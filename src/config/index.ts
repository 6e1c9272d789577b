export {
  BUILD_AUTH_FILE_TYPES,
  type BuildAuthFileType,
  buildAuthFilePath,
  buildAuthFileSecret,
  parseBuildAuthFileType,
} from './build-auth-files.ts';
export {
  type BuildVariable,
  buildVariableNameProblem,
  buildVariables,
  buildVariableValueProblem,
  findBuildVariable,
  withBuildVariable,
  withoutBuildVariables,
} from './build-variables.ts';
export { parseCaCertificates } from './ca-certificate.ts';
export { environmentNameProblem, environmentValueProblem } from './environment-rules.ts';
export type { ApplicationConfig, RuntimeConfig } from './schema.ts';
export { type ConfigStore, createConfigStore } from './store.ts';
