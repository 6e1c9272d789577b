import type { InstalledPackage, InstallOptions, PackageRequest } from './types.ts';

/** Makes a package ready to run, from the store of what was installed before if it can. */
export async function installPackage(
  request: PackageRequest,
  options: InstallOptions,
): Promise<InstalledPackage> {
  switch (request.scheme) {
    case 'npx':
      return (await import('./npm/package.ts')).installNpmPackage(request.package, options);
    case 'uvx':
      return (await import('./python/package.ts')).installPythonPackage(request.package, options);
    case 'go':
      return (await import('./go/package.ts')).installGoProgram(request.package, options);
    case 'folder':
      return (await import('./folder.ts')).installFolder(request.package, options);
  }
}
