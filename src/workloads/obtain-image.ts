import type { BuildImageOptions } from '../build/index.ts';
import type { Engine } from '../engine/index.ts';
import { hasCode, ThvError, within } from '../errors/index.ts';
import type { ResolvedImage, RunConfig, WorkloadName } from '../records/index.ts';
import { bestEffort, type Context } from './context.ts';
import type { OwnSource } from './remote-source.ts';
import { retrieveImage } from './retrieve-image.ts';
import type { OperationOptions, Progress, RunRequest } from './types.ts';

type BuildSettings = Pick<RunRequest, 'runtimeOverride' | 'caCertificate'>;
type ObtainOptions = OperationOptions & { readonly progress: Progress };

/** The image of a source: built for a package or a folder; for the rest its name, to be pulled later on. */
export async function imageOf(
  context: Context,
  engine: Engine,
  source: OwnSource,
  settings: BuildSettings,
  options: ObtainOptions,
): Promise<string> {
  switch (source.kind) {
    case 'image':
      return source.image;
    case 'entry':
      return source.entry.image;
    case 'package':
    case 'folder': {
      const given = { override: settings.runtimeOverride, caCertPath: settings.caCertificate };
      const inputs = await buildOptions(context, engine, given, options);
      const { buildFolderImage, buildPackageImage } = await import('../build/index.ts');
      if (source.kind === 'folder') return await buildFolderImage(source.project, inputs);
      try {
        return await within('invalid protocol scheme provided for MCP server\n', () =>
          buildPackageImage(source.reference, inputs),
        );
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
  context: Context,
  engine: Engine,
  settings: Pick<BuildImageOptions, 'override' | 'caCertPath' | 'tag'>,
  { signal, progress }: ObtainOptions,
): Promise<BuildImageOptions> {
  const { paths, env, logger } = context;
  return {
    engine,
    progress,
    config: await (await context.config()).read(),
    ...settings,
    env,
    home: paths.home,
    workingFolder: process.cwd(),
    openSecrets: () => context.secrets(signal),
    logger,
    signal,
  };
}

/** What `package_reference` of a document names: a package, or a folder by its path. */
async function rebuild(reference: string, options: BuildImageOptions): Promise<void> {
  const { buildFolderImage, buildPackageImage, inspectFolder, requirePackageReference } = await import(
    '../build/index.ts'
  );
  if (reference.includes('://')) await buildPackageImage(requirePackageReference(reference), options);
  else await buildFolderImage(await inspectFolder(reference, options.workingFolder), options);
}

/**
 * The image of a document, which the engine has from here on: one that was built here is built again under its name, any other
 * is pulled. A mistyped name is told what it may have meant (spec 08 §9.19).
 */
export async function resolveImage(
  context: Context,
  engine: Engine,
  { image, package_reference: text, runtime_config: override }: RunConfig,
  options: ObtainOptions,
): Promise<ResolvedImage> {
  if (text !== undefined && (await engine.images.find(image, options)) === undefined) {
    const settings = { override: override ?? undefined, tag: image };
    await rebuild(text, await buildOptions(context, engine, settings, options));
  }
  try {
    return await retrieveImage(engine, image, { ...options, logger: context.logger, builtFrom: text });
  } catch (error) {
    const isUnavailable = hasCode(error, 'ERR_IMAGE_NOT_FOUND') || hasCode(error, 'ERR_IMAGE_PULL');
    if (!isUnavailable || /[/.:]/.test(image)) throw error;
    const close = await closeNames(context, image, options);
    const advice =
      close.length === 0 ? `'thv search ${image}' looks for servers` : `close to it: ${close.join(', ')}`;
    throw new ThvError(error.code, error.facts, {
      cause: error,
      context: error.context,
      hint: `no server of the registry has this name; ${advice}`,
    });
  }
}

/** For a workload without a container: the next one is created from what the name of its image means now. */
export async function resolveAnew(
  context: Context,
  engine: Engine,
  name: WorkloadName,
  config: RunConfig,
  options: ObtainOptions,
): Promise<void> {
  const resolved_image = await resolveImage(context, engine, config, options);
  if (Bun.deepEquals(resolved_image, config.resolved_image)) return;
  // If this cannot be written, the image resolved before is used as long as the engine has it.
  await bestEffort(context.logger, 'failed to record the image of the workload', () =>
    context.runConfigs.save(name, { ...config, resolved_image }),
  );
}

/** None when the registry cannot be asked: what is told is the better for them, not wrong without. */
async function closeNames(
  context: Context,
  name: string,
  options: OperationOptions,
): Promise<readonly string[]> {
  try {
    return await (await context.registry()).closeNames(name, options);
  } catch {
    return [];
  }
}
