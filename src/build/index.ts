export type { BuildSecrets } from './build-environment.ts';
export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
  generateDockerfile,
} from './build-image.ts';
export { inspectFolder } from './folder/inspect.ts';
export type { FolderProject } from './folder/types.ts';
export { buildFolderImage, folderDockerfile, folderWorkloadName } from './folder.ts';
export {
  isPinned,
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';
export type { BuildInputs } from './prepare.ts';
export type { RuntimeOverride } from './runtime-settings.ts';
