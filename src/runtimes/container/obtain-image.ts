import type { BuildImageOptions } from '../../build/index.ts';
import type { Engine } from '../../engine/index.ts';
import { during, hasCode, ThvError } from '../../errors/index.ts';
import { boundManifestOf, type ResolvedImage, type RunConfig, resolvedImageOf } from '../../records/index.ts';
import type { Verification } from '../../signatures/index.ts';
import type { Order, Preparing, RuntimeServices } from '../runtime.ts';
import { retrieveImage, retrieveManifest } from './retrieve-image.ts';
import { verifyBeforePull } from './verify-before-pull.ts';

/** The image of a source: built for a package or a folder; for the rest its name, to be pulled later on. */
export async function imageOf(
  services: RuntimeServices,
  engine: Engine,
  { source, settings, caCertificate }: Order,
  options: Preparing,
): Promise<string> {
  switch (source.kind) {
    case 'image':
      return source.image;
    case 'package':
    case 'folder': {
      const given = { override: settings.runtime_config ?? undefined, caCertPath: caCertificate };
      const inputs = await buildOptions(services, engine, given, options);
      const { buildFolderImage, buildPackageImage } = await import('../../build/index.ts');
      if (source.kind === 'folder') return await buildFolderImage(source.project, inputs);
      try {
        return await during('STEP_PACKAGE_IMAGE', () => buildPackageImage(source.reference, inputs));
      } catch (error) {
        throw hasCode(error, 'ERR_BUILD_FAILED') && error.facts.missingImages?.length
          ? withWaysOut(error)
          : error;
      }
    }
  }
}

/** What else would do where it is the base image that cannot be had. */
function withWaysOut({ code, facts, context, cause }: ThvError<'ERR_BUILD_FAILED'>): ThvError {
  const hint =
    'where the base image cannot be had, --runtime-image names another, and --runtime process needs none';
  return new ThvError(code, facts, { context, cause, hint });
}

async function buildOptions(
  services: RuntimeServices,
  engine: Engine,
  settings: Pick<BuildImageOptions, 'override' | 'caCertPath' | 'tag'>,
  { signal, progress }: Preparing,
): Promise<BuildImageOptions> {
  const { paths, env, logger } = services;
  const { createConfigStore } = await import('../../config/index.ts');
  return {
    engine,
    progress,
    config: await createConfigStore(paths).read(),
    ...settings,
    env,
    home: paths.home,
    workingFolder: process.cwd(),
    openSecrets: async () => {
      const { openSecretsStore } = await import('../../secrets/index.ts');
      return openSecretsStore({ paths, env, logger, signal });
    },
    logger,
    signal,
  };
}

/** What `package_reference` of a document names: a package, or a folder by its path. */
async function rebuild(reference: string, options: BuildImageOptions): Promise<void> {
  const { buildFolderImage, buildPackageImage, inspectFolder, requirePackageReference } = await import(
    '../../build/index.ts'
  );
  if (reference.includes('://')) await buildPackageImage(requirePackageReference(reference), options);
  else await buildFolderImage(await inspectFolder(reference, options.workingFolder), options);
}

/**
 * The image of a document, which the engine has from here on: one that was built here is built again under its name, any other
 * is pulled. It is verified as the document wants it, and then it is what was verified (spec 03 §15-B19).
 */
export async function resolveImage(
  services: RuntimeServices,
  engine: Engine,
  config: RunConfig,
  options: Preparing & { readonly verification: Verification },
): Promise<ResolvedImage> {
  const { image, package_reference: text, runtime_config: override } = config;
  if (text !== undefined && (await engine.images.find(image, options)) === undefined) {
    const settings = { override: override ?? undefined, tag: image };
    await rebuild(text, await buildOptions(services, engine, settings, options));
  }
  const retrieve = { ...options, logger: services.logger, builtFrom: text };
  const bound = boundManifestOf(config);
  if (bound !== undefined) {
    const verified = resolvedImageOf(config)?.verified;
    return { ...(await retrieveManifest(engine, image, bound, retrieve)), verified };
  }
  const verified = await verifyBeforePull(services, engine, image, { ...options, builtFrom: text });
  if (verified === undefined) return await retrieveImage(engine, image, retrieve);
  const { manifest, by, signer } = verified;
  return { ...(await retrieveManifest(engine, image, manifest, retrieve)), verified: { by, signer } };
}
