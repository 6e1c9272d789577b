export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
  checkImageName,
  generateDockerfile,
} from './build-image.ts';
export {
  isPinned,
  type PackageReference,
  parsePackageReference,
  requirePackageReference,
} from './package-reference.ts';
export type { BuildInputs } from './prepare.ts';
export type { RuntimeOverride } from './runtime-settings.ts';
