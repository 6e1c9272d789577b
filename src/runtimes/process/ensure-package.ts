import { join } from 'node:path';
import { selfCommand } from '../../platform/index.ts';
import type { PackageSettings, Preparing, RuntimeServices } from '../runtime.ts';
import { packageSettings } from './package-settings.ts';

/**
 * Makes sure that a package can be run as a process here: that there is a sandbox, and the package itself. Gives its reference with
 * the version that was found, or the path of a folder.
 */
export async function ensurePackage(
  { shell: env, paths, logger }: RuntimeServices,
  image: string,
  settings: PackageSettings,
  { progress, signal = new AbortController().signal }: Preparing,
): Promise<string> {
  const { no_sandbox, allow_install_scripts } = settings;
  const { findSandbox, installPackage, noSandbox, requirePackage } = await import('../../processes/index.ts');
  const request = requirePackage(image);
  const self = selfCommand();
  if (no_sandbox) {
    logger.warn('NOT CONFINED: the server gets all rights of the user who starts it (--no-sandbox)', {
      package: image,
    });
  }
  const sandbox = no_sandbox
    ? noSandbox(self)
    : await findSandbox({ env, self, cacheFolder: paths.cache, logger, signal });
  let isNew = false;
  const installed = await installPackage(request, {
    folder: join(paths.data, 'packages'),
    cacheFolder: paths.cache,
    env,
    self,
    sandbox,
    allowScripts: allow_install_scripts === true,
    ...(await packageSettings(settings, { env, paths })),
    progress(line) {
      isNew = true;
      progress.update(line);
    },
    logger,
    signal,
  });
  installed.use?.[Symbol.dispose]();
  progress.update('');
  if (isNew) progress.line(`Successfully installed ${installed.reference}`);
  if (isNew && installed.heldBack?.length)
    logger.warn(
      'install scripts were not run; a server that needs them is run with --allow-install-scripts',
      {
        packages: installed.heldBack.join(', '),
      },
    );
  return installed.reference;
}
