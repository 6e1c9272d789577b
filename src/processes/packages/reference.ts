import { ThvError } from '../../errors/index.ts';
import type { PackageRequest, PackageScheme } from './types.ts';

/** What `npx://name@1.2.3` asks for. Throws `ERR_PACKAGE_NOT_FOUND` for anything else. */
export function requirePackage(reference: string): PackageRequest {
  const [, scheme, name] = /^(npx|uvx|go):\/\/(.+)$/s.exec(reference) ?? [];
  if (scheme === undefined || name === undefined) {
    throw new ThvError('ERR_PACKAGE_NOT_FOUND', {
      package: reference,
      reason: 'only npx://, uvx:// and go:// packages can be run without a container engine',
    });
  }
  return { scheme: scheme as PackageScheme, package: name };
}
