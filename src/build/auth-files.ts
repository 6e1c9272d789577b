import {
  type ApplicationConfig,
  type BuildAuthFileType,
  buildAuthFileSecret,
  parseBuildAuthFileType,
} from '../config/index.ts';
import { within } from '../errors/index.ts';
import { scopedSecrets } from '../secrets/index.ts';
import type { OpenSecrets } from './build-environment.ts';

/** Contents of the files that `build_auth_files` marks as configured (spec 03 §13.5). Throws what opening the secrets throws. */
export async function readAuthFiles(
  config: Pick<ApplicationConfig, 'build_auth_files'>,
  openSecrets: OpenSecrets,
): Promise<ReadonlyMap<BuildAuthFileType, string>> {
  const types = Object.keys(config.build_auth_files ?? {}).map(parseBuildAuthFileType);
  const files = new Map<BuildAuthFileType, string>();
  if (types.length === 0) return files;
  const secrets = scopedSecrets(await openSecrets(), 'workloads');
  for (const type of types) {
    const name = buildAuthFileSecret(type);
    files.set(
      type,
      await within(`failed to get secret '${name}' for auth file ${type}`, () => secrets.get(name)),
    );
  }
  return files;
}
