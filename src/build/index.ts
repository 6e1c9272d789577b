export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
  checkImageName,
  generateDockerfile,
} from './build-image.ts';
export { inspectFolder } from './folder/inspect.ts';
export type { FolderProject } from './folder/types.ts';
export { buildFolderImage, folderDockerfile, folderWorkloadName } from './folder.ts';
export {
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';
export type { BuildInputs } from './prepare.ts';
export { removeStaleImage } from './stale-image.ts';
