export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
  checkImageName,
  generateDockerfile,
} from './build-image.ts';
export { projectContext } from './folder/context.ts';
export { inspectFolder } from './folder/inspect.ts';
export type { FolderProject, NodeProject, PythonProject } from './folder/types.ts';
export { buildFolderImage, folderDockerfile, folderWorkloadName } from './folder.ts';
export { imageKey } from './image-key.ts';
export {
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';
export type { BuildInputs } from './prepare.ts';
export { removeStaleImage } from './stale-image.ts';
