import { ThvError } from '../errors/index.ts';

/** Files with credentials for package registries, put where a build's tools look for them (spec 09 §3). */
const PATHS = { npmrc: '/root/.npmrc', netrc: '/root/.netrc', yarnrc: '/root/.yarnrc' } as const;

export type BuildAuthFileType = keyof typeof PATHS;

export const BUILD_AUTH_FILE_TYPES = Object.keys(PATHS) as readonly BuildAuthFileType[];

/** Throws `ERR_INPUT_INVALID`. */
export function parseBuildAuthFileType(text: string): BuildAuthFileType {
  const type = BUILD_AUTH_FILE_TYPES.find((known) => known === text);
  if (type === undefined)
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `unsupported auth file type ${JSON.stringify(text)}; supported types: ${BUILD_AUTH_FILE_TYPES.join(', ')}`,
    });
  return type;
}

/** Where the file is in the image that is built with. */
export function buildAuthFilePath(type: BuildAuthFileType): string {
  return PATHS[type];
}

/** The secret that holds the content, in the scope of the workloads; `config.yaml` has only a marker naming it. */
export function buildAuthFileSecret(type: BuildAuthFileType): string {
  return `BUILD_AUTH_FILE_${type}`;
}
