export type { BuildSecrets } from './build-environment.ts';
export {
  type BuildImageOptions,
  type BuildProgress,
  buildPackageImage,
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
