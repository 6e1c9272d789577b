import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type ContextEntry, contextTar } from '../../../build/index.ts';
import type { Engine } from '../../../engine/index.ts';
import { within } from '../../../errors/index.ts';
import { type Logger, selfCommand } from '../../../platform/index.ts';
import type { ResolvedImage } from '../../../records/index.ts';
import { programText } from '../../../sidecar/index.ts';
import { retrieveImage } from '../retrieve-image.ts';
import { type NeededFile, sharedLibrariesOf } from './shared-libraries.ts';

/** The image for engines on another platform than this machine's: the runtime that is in this executable, from its makers. */
const RUNTIME_IMAGE = `docker.io/oven/bun:${Bun.version}-distroless`;
/** On images that were made here, so that older ones are found. */
const IMAGE_LABEL = 'toolhive-egress-image';
const REPOSITORY = 'toolhivelocal/egress';
const RUNTIME_PATH = 'thv';
const PROGRAM_PATH = 'sidecar.js';

interface ImageOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of the official image of the runtime. */
  readonly runtimeImage?: string | undefined;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

export interface SidecarImage {
  readonly image: ResolvedImage;
  /** Changes with everything that the sidecar is made of, and with nothing else. */
  readonly version: string;
}

/** The image that the sidecar runs, made or pulled when it is missing (spec 03 §10.6). */
export async function obtainSidecarImage(engine: Engine, options: ImageOptions): Promise<SidecarImage> {
  const { env, logger, signal } = options;
  const named = env['TOOLHIVE_EGRESS_IMAGE'] ?? '';
  if (named !== '') {
    const progress = {
      update() {},
      output() {},
      revealOutput() {},
      line: (text: string) => logger.info(text),
    };
    const image = await retrieveImage(engine, named, { signal, progress, logger, owner: 'program' });
    return { image, version: shortHash(image.digest) };
  }
  const recipe = await recipeFor(engine, options);
  const reference = `${REPOSITORY}:${recipe.version}`;
  const known = await engine.images.find(reference, { signal });
  if (known === undefined)
    await within('failed to make the image of the egress sidecar', () =>
      make(engine, reference, recipe, options),
    );
  const found = known ?? (await engine.images.find(reference, { signal }));
  return {
    image: { reference, digest: found?.Id ?? reference, provenance: { from: 'engine' } },
    version: recipe.version,
  };
}

interface Recipe {
  readonly version: string;
  readonly dockerfile: string;
  readonly files: readonly NeededFile[];
  readonly program: string;
  readonly baseImages: readonly string[];
}

async function recipeFor(
  engine: Engine,
  { runtimeImage = RUNTIME_IMAGE, signal }: ImageOptions,
): Promise<Recipe> {
  const program = await programText();
  const [executable = process.execPath] = selfCommand();
  const ours = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const isOurs = (await engine.platform({ signal })) === ours;
  if (!isOurs) {
    const lines = [`FROM ${runtimeImage}`, `COPY ${PROGRAM_PATH} /${PROGRAM_PATH}`, ...settings('bun')];
    return recipe(program, lines, [], [runtimeImage]);
  }
  const libraries = await sharedLibrariesOf(executable);
  const lines = [
    'FROM scratch',
    'COPY root/ /',
    `COPY ${PROGRAM_PATH} /${PROGRAM_PATH}`,
    ...settings(`/${RUNTIME_PATH}`),
  ];
  return recipe(program, lines, [{ source: executable, path: RUNTIME_PATH }, ...libraries], []);
}

/** The executable is a runtime by this variable: the sidecar's program is the one file, whatever runs it. */
function settings(runtime: string): readonly string[] {
  const command = JSON.stringify([runtime, '--smol', '--no-install', '--no-env-file', `/${PROGRAM_PATH}`]);
  return [
    'ENV BUN_BE_BUN=1 BUN_RUNTIME_TRANSPILER_CACHE_PATH=0',
    'USER 65532:65532',
    `ENTRYPOINT ${command}`,
  ];
}

async function recipe(
  program: string,
  lines: readonly string[],
  files: readonly NeededFile[],
  baseImages: readonly string[],
): Promise<Recipe> {
  const dockerfile = `${lines.join('\n')}\n`;
  // Another build of this executable with the same runtime runs the same program: its own code is not used.
  const libraries = files.slice(1).map(({ path, source }) => `${path}=${source}`);
  const version = shortHash(JSON.stringify([program, dockerfile, Bun.revision, process.arch, libraries]));
  return { version, dockerfile, files, program, baseImages };
}

async function make(
  engine: Engine,
  tag: string,
  recipe: Recipe,
  { logger, signal }: ImageOptions,
): Promise<void> {
  const { dockerfile, program, files, baseImages } = recipe;
  logger.info('making the image of the egress sidecar', { image: tag });
  const context = async function* (): AsyncGenerator<ContextEntry> {
    yield { path: 'Dockerfile', kind: 'text', content: dockerfile, mode: 0o644 };
    yield { path: PROGRAM_PATH, kind: 'text', content: program, mode: 0o644 };
    for (const { source, path } of files)
      yield { path: `root/${path}`, kind: 'file', source, sizeBytes: (await stat(source)).size, mode: 0o755 };
  };
  await engine.images.build(contextTar(context()), {
    tag,
    dockerfile: 'Dockerfile',
    baseImages,
    labels: { [IMAGE_LABEL]: 'true' },
    buildArguments: {},
    signal,
  });
  await removeOlder(engine, tag, logger);
}

/** An image of an earlier version is 130 MB that nobody needs; one that a container still runs is refused by the engine. */
async function removeOlder(engine: Engine, tag: string, logger: Logger): Promise<void> {
  for (const { RepoTags } of await engine.images.list({ label: IMAGE_LABEL })) {
    for (const reference of RepoTags ?? []) {
      if (reference.endsWith(tag)) continue;
      await engine.images.remove(reference).catch((error: unknown) => {
        logger.debug('older image of the egress sidecar kept', { image: reference, error });
      });
    }
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
