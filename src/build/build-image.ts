import { type Engine, parseImageReference } from '../engine/index.ts';
import { hasCode, messageOf, ThvError, within } from '../errors/index.ts';
import { formatLocalTime } from '../platform/index.ts';
import { type ContextEntry, contextTar } from './context-tar.ts';
import { FRESHNESS_ARGUMENT, renderDockerfile } from './dockerfile/render.ts';
import { imageKey } from './image-key.ts';
import {
  builtAt,
  FLOATING_LIFETIME_MS,
  KEY_LABEL,
  PINNED_LABEL,
  SOURCE_LABEL,
  TIME_LABEL,
} from './image-labels.ts';
import { imageRepository, isPinned, type PackageReference } from './package-reference.ts';
import { type BuildInputs, type PreparedBuild, prepareBuild } from './prepare.ts';

/** Where a build tells how far it is. */
export interface BuildProgress {
  /** A finished step worth a line on stdout, e.g. `Successfully pulled <image>`. */
  line(text: string): void;
  /** State of the step under way, for terminals; the next call replaces it, '' clears it. */
  update(text: string): void;
  /** A line of the engine's report: on stdout, or on a terminal only until the next one. */
  output(text: string): void;
  /** Shows the end of what `output` has kept back: the step failed. */
  revealOutput(): void;
}

export interface BuildImageOptions extends BuildInputs {
  readonly engine: Pick<Engine, 'images'>;
  readonly progress: BuildProgress;
  /** Name of the image; one that says what it is made of unless given. */
  readonly tag?: string | undefined;
  /** A version that is not pinned is looked up again, however young the last image is. */
  readonly fresh?: boolean | undefined;
  /** Milliseconds since 1970; the clock unless given. */
  readonly now?: () => number;
}

/**
 * The name of an image that runs the package (spec 03 §13). One that was made of the same inputs is used again (B16); for a
 * version that is not pinned only within an hour, or when a fresh one cannot be had.
 * Throws `ERR_PACKAGE_INVALID`, `ERR_RUNTIME_CONFIG_INVALID`, `ERR_BUILD_INPUT_INVALID`, `ERR_BUILD_FAILED` with the base images that
 * are missing, `ERR_CANCELLED`.
 */
export async function buildPackageImage(
  reference: PackageReference,
  options: BuildImageOptions,
): Promise<string> {
  if (options.tag !== undefined) checkImageName(options.tag);
  const prepared = await prepareBuild(reference, options);
  return buildOnce(
    await imageBuildOf(prepared, {
      source: reference.text,
      repository: imageRepository(reference),
      isPinned: isPinned(reference),
    }),
    options,
  );
}

/** An image to be built, and what it is known by. */
export interface ImageBuild {
  /** Where it comes from, for people. */
  readonly source: string;
  /** Name of the image without a tag. */
  readonly repository: string;
  /** The same inputs make the same image, today and tomorrow. */
  readonly isPinned: boolean;
  /** One word for all inputs. */
  readonly key: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  context(): AsyncIterable<ContextEntry>;
  readonly baseImages: readonly string[];
  readonly buildArguments: Readonly<Record<string, string>>;
}

/** The build of a Dockerfile that is generated. */
export async function imageBuildOf(
  prepared: PreparedBuild,
  facts: Pick<ImageBuild, 'source' | 'repository' | 'isPinned'>,
): Promise<ImageBuild> {
  const { plan, files, project, buildArguments } = prepared;
  const dockerfile = `${plan.filesPrefix}Dockerfile`;
  return {
    ...facts,
    key: await keyOf(facts.repository, prepared),
    dockerfile,
    async *context() {
      yield { kind: 'text', path: dockerfile, content: renderDockerfile(plan), mode: 0o600 };
      yield* files;
      if (project !== undefined) yield* project.entries();
    },
    baseImages: [...new Set([plan.runtime.builderImage, plan.runtime.finalImage])],
    buildArguments: {
      ...buildArguments,
      // Constant for a pinned version, so that the engine may use what it has kept.
      [FRESHNESS_ARGUMENT]: facts.isPinned ? 'any time' : new Date().toISOString(),
    },
  };
}

/** Uses an image of the same inputs again, else builds one. See `buildPackageImage`. */
export async function buildOnce(build: ImageBuild, options: BuildImageOptions): Promise<string> {
  const { engine, logger, signal, tag, now = Date.now } = options;
  const existing = await findBuilt(engine, build, signal);
  const isYoung = existing !== undefined && now() - existing.builtAt.getTime() < FLOATING_LIFETIME_MS;
  const isFresh = build.isPinned || (isYoung && !options.fresh);
  if (existing !== undefined && isFresh) return reuse(existing, options);
  const name = tag ?? `${build.repository}:${timeTag(new Date(now()))}`;
  try {
    await runBuild(build, name, new Date(now()), options);
  } catch (error) {
    if (existing === undefined || options.fresh || signal?.aborted) throw error;
    logger.warn('a fresh image could not be built, the last one is used', {
      image: existing.name,
      error: messageOf(error),
    });
    return reuse(existing, options);
  }
  if (existing !== undefined && existing.name !== name) await dropSuperseded(existing, options);
  return name;
}

/** `yyyyMMddHHmmss` in local time (spec 03 §13.1). */
function timeTag(time: Date): string {
  return formatLocalTime(time, 'seconds').slice(0, 19).replace(/\D/g, '');
}

/** The Dockerfile as `thv build --dry-run` shows it; asks no engine (B3). */
export async function generateDockerfile(reference: PackageReference, inputs: BuildInputs): Promise<string> {
  return renderDockerfile((await prepareBuild(reference, inputs)).plan);
}

/** Throws `ERR_INPUT_INVALID` unless an image can be called so. */
export function checkImageName(tag: string): void {
  const refuse = (reason: string) =>
    new ThvError('ERR_INPUT_INVALID', { reason: `invalid image name format '${tag}': ${reason}` });
  let digest: string | undefined;
  try {
    ({ digest } = parseImageReference(tag));
  } catch (error) {
    throw refuse(messageOf(error));
  }
  if (digest !== undefined) throw refuse('a digest comes from what is built, it cannot be chosen');
}

async function keyOf(repository: string, prepared: PreparedBuild): Promise<string> {
  const facts = { repository, dockerfile: renderDockerfile(prepared.plan), ...prepared.keyFacts };
  return imageKey(facts, prepared.project?.entries());
}

async function runBuild(
  build: ImageBuild,
  name: string,
  startedAt: Date,
  { engine, progress, signal }: Pick<BuildImageOptions, 'engine' | 'progress' | 'signal'>,
): Promise<void> {
  const report = lineSplitter((line) => progress.output(line));
  progress.update(`Building ${name}`);
  try {
    await within('failed to build Docker image: failed to process build output', () =>
      engine.images.build(contextTar(build.context()), {
        tag: name,
        dockerfile: build.dockerfile,
        baseImages: build.baseImages,
        labels: {
          [KEY_LABEL]: build.key,
          [SOURCE_LABEL]: build.source,
          [TIME_LABEL]: startedAt.toISOString(),
          [PINNED_LABEL]: String(build.isPinned),
        },
        buildArguments: build.buildArguments,
        onOutput: report.push,
        signal,
      }),
    );
    report.end();
  } catch (error) {
    report.end();
    if (!hasCode(error, 'ERR_BUILD_FAILED')) throw error;
    progress.revealOutput();
    throw await withMissingImages(error, build, engine);
  } finally {
    progress.update('');
  }
}

/** The failure with the base images that the engine does not have: it may have been about them. */
async function withMissingImages(
  { code, facts, context, cause }: ThvError<'ERR_BUILD_FAILED'>,
  { baseImages }: ImageBuild,
  engine: Pick<Engine, 'images'>,
): Promise<ThvError> {
  const missingImages: string[] = [];
  for (const image of baseImages) {
    if ((await engine.images.find(image)) === undefined) missingImages.push(image);
  }
  return new ThvError(code, { ...facts, missingImages }, { context, cause });
}

interface BuiltImage {
  readonly id: string;
  readonly name: string;
  /** When it was asked for. */
  readonly builtAt: Date;
}

/** The youngest image of these inputs. */
async function findBuilt(
  engine: Pick<Engine, 'images'>,
  { key, repository }: ImageBuild,
  signal: AbortSignal | undefined,
): Promise<BuiltImage | undefined> {
  const images = await engine.images.list({ label: `${KEY_LABEL}=${key}` }, { signal });
  return images
    .map(({ Id, RepoTags, Labels }) => {
      const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>');
      return {
        id: Id,
        name: ourName(names, `${repository}:`) ?? names[0],
        builtAt: builtAt(Labels),
      };
    })
    .filter((image): image is BuiltImage => image.name !== undefined)
    .sort((one, other) => other.builtAt.getTime() - one.builtAt.getTime())[0];
}

/** As it was built; Podman puts `docker.io/` or `localhost/` in front. */
function ourName(names: readonly string[], repository: string): string | undefined {
  const full = names.find((name) => name.includes(repository));
  return full?.slice(full.indexOf(repository));
}

async function reuse(
  { id, name, builtAt: time }: BuiltImage,
  { engine, progress, tag, signal }: BuildImageOptions,
): Promise<string> {
  const short = id.replace(/^sha256:/, '').slice(0, 12);
  progress.line(`Successfully built ${short} at ${time.toISOString()}, used again`);
  if (tag === undefined) return name;
  await engine.images.tag(id, tag, { signal });
  return tag;
}

/** The image that a fresh one takes the place of, unless something uses it. */
async function dropSuperseded(
  { name }: BuiltImage,
  { engine, logger, signal }: BuildImageOptions,
): Promise<void> {
  if (!name.startsWith('toolhivelocal/')) return;
  try {
    await engine.images.remove(name, { signal });
  } catch (error) {
    logger.debug('the image before stays, something uses it', { image: name, error: messageOf(error) });
  }
}

/** Calls `onLine` for each line of what is pushed, the last one without a newline too. */
function lineSplitter(onLine: (line: string) => void) {
  let rest = '';
  return {
    push(text: string): void {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end(): void {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
