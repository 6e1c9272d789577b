import { isAbsolute } from 'node:path';
import { ThvError } from '../../errors/index.ts';
import type { PackageRequest, PackageScheme } from './types.ts';

/** What `npx://name@1.2.3`, or the whole path of a folder, asks for. Throws `ERR_PACKAGE_NOT_FOUND` for anything else. */
export function requirePackage(reference: string): PackageRequest {
  if (isAbsolute(reference)) return { scheme: 'folder', package: reference };
  const [, scheme, name] = /^(npx|uvx|go):\/\/(.+)$/s.exec(reference) ?? [];
  if (scheme === undefined || name === undefined) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: reference,
      reason:
        'only npx://, uvx:// and go:// packages and local folders can be run without a container engine',
    });
  }
  return { scheme: scheme as PackageScheme, package: name };
}
