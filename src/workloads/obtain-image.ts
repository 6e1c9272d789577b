import type { PackageReference } from '../build/index.ts';
import type { Engine } from '../engine/index.ts';
import { hasCode, ThvError, within } from '../errors/index.ts';
import type { Source } from '../sources/index.ts';
import type { Context } from './context.ts';
import { retrieveImage } from './retrieve-image.ts';
import { type RuntimeFlags, runtimeOverride } from './runtime-override.ts';
import type { OperationOptions, Progress, RunRequest } from './types.ts';

type BuildSettings = RuntimeFlags & Pick<RunRequest, 'caCertificate'>;
type ObtainOptions = OperationOptions & { readonly progress: Progress };

/** The image of a source: built for a package; for the rest its name, to be pulled later on. */
export async function imageOf(
  context: Context,
  engine: Engine,
  source: Source,
  settings: BuildSettings,
  options: ObtainOptions,
): Promise<string> {
  switch (source.kind) {
    case 'image':
      return source.image;
    case 'entry':
      return source.entry.kind === 'container' ? source.entry.image : source.entry.url;
    case 'package':
      return await within('invalid protocol scheme provided for MCP server\n', () =>
        buildPackage(context, engine, source.reference, settings, options),
      );
  }
}

async function buildPackage(
  context: Context,
  engine: Engine,
  reference: PackageReference,
  settings: BuildSettings,
  { signal, progress }: ObtainOptions,
): Promise<string> {
  const { paths, env, logger } = context;
  const { buildPackageImage } = await import('../build/index.ts');
  return buildPackageImage(reference, {
    engine,
    progress,
    config: await (await context.config()).read(),
    override: runtimeOverride(settings),
    caCertPath: settings.caCertificate,
    env,
    home: paths.home,
    workingFolder: process.cwd(),
    openSecrets: async () => {
      const { scopedSecrets, userSecrets } = await import('../secrets/index.ts');
      const store = await context.secrets(signal);
      const [user, workloads] = [userSecrets(store), scopedSecrets(store, 'workloads')];
      return {
        user: (name) => user.get(name, { signal }),
        workloads: (name) => workloads.get(name, { signal }),
      };
    },
    logger,
    signal,
  });
}

/** Pulls the image of a word that no registry knew; a mistyped name is told what it may have meant (spec 08 §9.19). */
export async function pullNamed(
  context: Context,
  engine: Engine,
  word: string,
  options: ObtainOptions,
): Promise<void> {
  try {
    await retrieveImage(engine, word, { ...options, logger: context.logger });
  } catch (error) {
    if (!hasCode(error, 'ERR_IMAGE_NOT_FOUND') || /[/.:]/.test(word)) throw error;
    const close = await context
      .registry()
      .then((registry) => registry.closeNames(word, options))
      .catch(() => []);
    if (close.length === 0) throw error;
    throw new ThvError(error.code, error.facts, {
      cause: error,
      context: error.context,
      hint: `no server of the registry has this name; close to it: ${close.join(', ')}`,
    });
  }
}
