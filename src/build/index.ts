export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
  checkImageName,
  generateDockerfile,
} from './build-image.ts';
export { type ContextEntry, contextTar } from './context-tar.ts';
export { projectContext } from './folder/context.ts';
export { inspectFolder } from './folder/inspect.ts';
export type { FolderProject, NodeProject, PythonProject } from './folder/types.ts';
export { buildFolderImage, folderDockerfile, folderWorkloadName } from './folder.ts';
export { readHostSettings } from './host-settings/read.ts';
export { imageKey } from './image-key.ts';
export { openLocalProject } from './local-project.ts';
export {
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';
export type { BuildInputs } from './prepare.ts';
export { resolveRuntimeSettings } from './runtime-settings.ts';
export { removeStaleImage } from './stale-image.ts';
