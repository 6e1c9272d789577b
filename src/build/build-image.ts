import { type Engine, parseImageReference } from '../engine/index.ts';
import { hasCode, messageOf, ThvError, within } from '../errors/index.ts';
import { formatLocalTime } from '../platform/index.ts';
import { type ContextEntry, contextTar } from './context-tar.ts';
import { FRESHNESS_ARGUMENT, renderDockerfile } from './dockerfile/render.ts';
import { imageKey } from './image-key.ts';
import { imageRepository, isPinned, type PackageReference } from './package-reference.ts';
import { type BuildInputs, type PreparedBuild, prepareBuild } from './prepare.ts';

/** Where a build tells how far it is. */
export interface BuildProgress {
  /** A finished step worth a line on stdout. */
  line(text: string): void;
  /** State of the step under way; the next call replaces it, '' clears it. */
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
  /** A version that is not pinned is looked up anew, however young the last image is. */
  readonly fresh?: boolean | undefined;
}

/** Labels of images that were built; the first is how one is found again. */
const KEY_LABEL = 'toolhive-build-key';
const SOURCE_LABEL = 'toolhive-build-source';
const TIME_LABEL = 'toolhive-build-time';

/** How long an image of `latest` counts as the latest. */
const FLOATING_LIFETIME_MS = 60 * 60_000;

/**
 * The name of an image that runs the package (spec 03 §13). One that was made of the same inputs is used again (B16); for a
 * version that is not pinned only within an hour, or when a fresh one cannot be had.
 * Throws `ERR_PACKAGE_INVALID`, `ERR_RUNTIME_CONFIG_INVALID`, `ERR_BUILD_INPUT_INVALID`, `ERR_BUILD_FAILED`, `ERR_CANCELLED`.
 */
export async function buildPackageImage(
  reference: PackageReference,
  options: BuildImageOptions,
): Promise<string> {
  const { engine, logger, signal, tag } = options;
  if (tag !== undefined) checkImageName(tag);
  const build = await prepareBuild(reference, options);
  const key = await keyOf(build);
  const existing = await findBuilt(engine, key, reference, signal);
  const isFresh =
    isPinned(reference) ||
    (!options.fresh && existing !== undefined && ageMs(existing) < FLOATING_LIFETIME_MS);
  if (existing !== undefined && isFresh) return reuse(existing, options);
  const name = tag ?? `${imageRepository(reference)}:${timeTag(new Date())}`;
  try {
    await runBuild(reference, build, { ...options, name, key });
  } catch (error) {
    if (existing === undefined || options.fresh || signal?.aborted) throw error;
    logger.warn('a fresh image could not be built, the last one is used', {
      image: existing.name,
      error: messageOf(error),
    });
    return reuse(existing, options);
  }
  if (existing !== undefined) await dropSuperseded(existing, options);
  return name;
}

/** `yyyyMMddHHmmss` in local time (spec 03 §13.1). */
function timeTag(time: Date): string {
  return formatLocalTime(time, 'seconds').slice(0, 19).replace(/\D/g, '');
}

/** The Dockerfile as `thv build --dry-run` shows it, secret values masked; asks no engine (B3). */
export async function generateDockerfile(reference: PackageReference, inputs: BuildInputs): Promise<string> {
  const { plan, secretNames } = await prepareBuild(reference, inputs);
  return renderDockerfile(masked(plan, secretNames));
}

/** Throws `ERR_INPUT_INVALID`. */
function checkImageName(tag: string): void {
  try {
    parseImageReference(tag);
  } catch (error) {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `invalid image name format '${tag}': ${messageOf(error)}`,
    });
  }
}

function masked(plan: PreparedBuild['plan'], secretNames: ReadonlySet<string>): PreparedBuild['plan'] {
  const buildEnvironment = Object.fromEntries(
    Object.entries(plan.buildEnvironment).map(([name, value]) => [
      name,
      secretNames.has(name) ? '[secret]' : value,
    ]),
  );
  return { ...plan, buildEnvironment };
}

async function keyOf({ plan, secretNames, keyFacts, project }: PreparedBuild): Promise<string> {
  const dockerfile = renderDockerfile(masked(plan, secretNames));
  return imageKey({ dockerfile, ...keyFacts }, project?.entries());
}

async function runBuild(
  reference: PackageReference,
  { plan, files, project, buildArguments }: PreparedBuild,
  {
    engine,
    progress,
    signal,
    name,
    key,
  }: Pick<BuildImageOptions, 'engine' | 'progress' | 'signal'> & {
    readonly name: string;
    readonly key: string;
  },
): Promise<void> {
  const builtAt = new Date().toISOString();
  const dockerfile = `${plan.filesPrefix}Dockerfile`;
  const own: readonly ContextEntry[] = [
    { kind: 'text', path: dockerfile, content: renderDockerfile(plan), mode: 0o600 },
    ...files,
  ];
  const report = lineSplitter((line) => progress.output(line));
  progress.update(`Building ${name}`);
  try {
    await within('failed to build Docker image: failed to process build output', () =>
      engine.images.build(contextTar(contextOf(own, project?.entries())), {
        tag: name,
        dockerfile,
        baseImages: [...new Set([plan.runtime.builderImage, plan.runtime.finalImage])],
        labels: { [KEY_LABEL]: key, [SOURCE_LABEL]: reference.text, [TIME_LABEL]: builtAt },
        buildArguments: {
          ...buildArguments,
          // Constant for a pinned version, so that the engine may use what it has kept.
          [FRESHNESS_ARGUMENT]: isPinned(reference) ? 'any time' : builtAt,
        },
        onOutput: report.push,
        signal,
      }),
    );
    report.end();
  } catch (error) {
    report.end();
    if (hasCode(error, 'ERR_BUILD_FAILED')) progress.revealOutput();
    throw error;
  } finally {
    progress.update('');
  }
}

async function* contextOf(
  own: readonly ContextEntry[],
  project: AsyncIterable<ContextEntry> | undefined,
): AsyncGenerator<ContextEntry, void, undefined> {
  yield* own;
  if (project !== undefined) yield* project;
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
  key: string,
  reference: PackageReference,
  signal: AbortSignal | undefined,
): Promise<BuiltImage | undefined> {
  const images = await engine.images.list({ labels: [`${KEY_LABEL}=${key}`] }, { signal });
  const repository = `${imageRepository(reference)}:`;
  return images
    .map(({ Id, RepoTags, Labels }) => {
      const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>');
      return {
        id: Id,
        name: ourName(names, repository) ?? names[0],
        builtAt: new Date(Labels?.[TIME_LABEL] ?? 0),
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

function ageMs({ builtAt }: BuiltImage): number {
  return Date.now() - builtAt.getTime();
}

async function reuse(
  { id, name, builtAt }: BuiltImage,
  { engine, progress, tag, signal }: BuildImageOptions,
): Promise<string> {
  const short = id.replace(/^sha256:/, '').slice(0, 12);
  progress.line(`Successfully built ${short} at ${builtAt.toISOString()}, used again`);
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
