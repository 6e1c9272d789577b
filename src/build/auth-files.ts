import type { ApplicationConfig } from '../config/index.ts';
import { ThvError, within } from '../errors/index.ts';
import type { OpenSecrets } from './build-environment.ts';
import { AUTH_FILE_TYPES, type AuthFileType } from './dockerfile/types.ts';

/** Contents of the files that `build_auth_files` marks as configured (spec 03 §13.5). Throws what opening the secrets throws. */
export async function readAuthFiles(
  config: Pick<ApplicationConfig, 'build_auth_files'>,
  openSecrets: OpenSecrets,
): Promise<ReadonlyMap<AuthFileType, string>> {
  const types = Object.keys(config.build_auth_files ?? {}).map(checkedType);
  const files = new Map<AuthFileType, string>();
  if (types.length === 0) return files;
  const secrets = await openSecrets();
  for (const type of types) {
    const name = `BUILD_AUTH_FILE_${type}`;
    files.set(
      type,
      await within(`failed to get secret '${name}' for auth file ${type}`, () => secrets.workloads(name)),
    );
  }
  return files;
}

function checkedType(type: string): AuthFileType {
  const known = AUTH_FILE_TYPES.find((candidate) => candidate === type);
  if (known !== undefined) return known;
  throw new ThvError('ERR_BUILD_INPUT_INVALID', {
    reason: `unsupported auth file type "${type}"; supported types: ${AUTH_FILE_TYPES.join(', ')}`,
  });
}
