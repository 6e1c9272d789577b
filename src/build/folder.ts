import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ThvError } from '../errors/index.ts';
import { sanitizeWorkloadName, type WorkloadName } from '../records/index.ts';
import {
  type BuildImageOptions,
  buildOnce,
  checkImageName,
  type ImageBuild,
  imageBuildOf,
} from './build-image.ts';
import { nodeFolder } from './dockerfile/node-folder.ts';
import { pythonFolder } from './dockerfile/python-folder.ts';
import { renderDockerfile } from './dockerfile/render.ts';
import { baseImagesOf, wantsBuildKit } from './folder/base-images.ts';
import { dockerfileContext, projectContext } from './folder/context.ts';
import type {
  DockerfileProject,
  FolderProject,
  GoProject,
  NodeProject,
  PythonProject,
} from './folder/types.ts';
import { readHostSettings } from './host-settings/read.ts';
import { imageKey } from './image-key.ts';
import { imageRepository, type PackageReference } from './package-reference.ts';
import { type BuildInputs, type FolderBuild, type PreparedBuild, prepareBuild } from './prepare.ts';

/** The name of an image that runs the folder as a server. Options and errors are those of `buildPackageImage`. */
export async function buildFolderImage(project: FolderProject, options: BuildImageOptions): Promise<string> {
  if (options.tag !== undefined) checkImageName(options.tag);
  if (project.kind !== 'dockerfile') return buildOnce(await generatedBuild(project, options), options);
  try {
    return await buildOnce(await dockerfileBuild(project, options), options);
  } catch (error) {
    throw hasCode(error, 'ERR_BUILD_FAILED') ? await withWayAround(error, project) : error;
  }
}

/** The classic builder's own words for what it does not know lead people astray. */
async function withWayAround(
  error: ThvError<'ERR_BUILD_FAILED'>,
  { folder, dockerfile }: DockerfileProject,
): Promise<ThvError> {
  if (!wantsBuildKit(await readFile(join(folder, dockerfile), 'utf8'))) return error;
  const { code, facts, context, cause } = error;
  const hint =
    "the Dockerfile uses what only BuildKit builds: run 'docker build -t NAME .' in the folder, then 'thv run NAME'";
  return new ThvError(code, facts, { context, cause, hint });
}

/** The Dockerfile of the folder, or the one that would be generated; asks no engine. */
export async function folderDockerfile(project: FolderProject, inputs: BuildInputs): Promise<string> {
  if (project.kind === 'dockerfile') return readFile(join(project.folder, project.dockerfile), 'utf8');
  return renderDockerfile((await prepareFolder(project, inputs)).plan);
}

/** Name of a workload that runs the folder, unless a person gives one. */
export function folderWorkloadName({ name }: FolderProject): WorkloadName {
  const plain = name.toLowerCase().replace(/^[^a-z0-9]+/, '');
  return sanitizeWorkloadName(plain.length < 2 ? `server${plain === '' ? '' : `-${plain}`}` : plain);
}

type Generated = NodeProject | PythonProject | GoProject;

async function generatedBuild(project: Generated, inputs: BuildInputs): Promise<ImageBuild> {
  return imageBuildOf(await prepareFolder(project, inputs), {
    source: project.name,
    repository: repositoryOf(project),
    isPinned: isLocked(project),
  });
}

/** Go writes no dependency into `go.mod` without its version. */
function isLocked(project: Generated): boolean {
  if (project.kind === 'go') return true;
  return project.kind === 'node' ? project.installer.lockFile !== undefined : project.isLocked;
}

const SCHEMES = { node: 'npx', python: 'uvx', go: 'go' } as const;

/** The tools are those of a scheme, and so are their settings. */
function prepareFolder(project: Generated, inputs: BuildInputs): Promise<PreparedBuild> {
  const { folder, kind } = project;
  const reference: PackageReference = {
    scheme: SCHEMES[kind],
    text: folder,
    package: folder,
    name: folder,
    extras: [],
    version: undefined,
    isLocal: true,
  };
  return prepareBuild(reference, inputs, project.kind === 'go' ? undefined : folderBuild(project));
}

function folderBuild(project: NodeProject | PythonProject): FolderBuild {
  const context = { target: '.', entries: () => projectContext(project.folder) };
  return project.kind === 'node'
    ? { recipe: nodeFolder(project), project: context, image: undefined }
    : { recipe: pythonFolder(project), project: context, image: project.image };
}

/** Built as it is: what is not in the file is not in the image, certificates of ours included. */
async function dockerfileBuild(project: DockerfileProject, options: BuildImageOptions): Promise<ImageBuild> {
  refuseSettings(options);
  const { env, home, logger, engine, signal } = options;
  const { folder, dockerfile } = project;
  const repository = repositoryOf(project);
  const baseImages = baseImagesOf(await readFile(join(folder, dockerfile), 'utf8'));
  const { proxies } = await readHostSettings('npx', { env, home, configured: new Map(), logger });
  // A base image that was rebuilt here changes the image.
  const bases = await Promise.all(
    baseImages.map(async (image) => (await engine.images.find(image, { signal }))?.Id ?? image),
  );
  return {
    source: project.name,
    repository,
    isPinned: true,
    key: await imageKey({ repository, bases }, dockerfileContext(folder, dockerfile)),
    dockerfile,
    context: () => dockerfileContext(folder, dockerfile),
    baseImages,
    buildArguments: proxies,
  };
}

/** Settings of the build that a Dockerfile has no place for; better said than left out. */
function refuseSettings({ override, caCertPath, entrypointArguments }: BuildInputs): void {
  const given = [
    ...(override?.builder_image ? ['an image to build on'] : []),
    ...(override?.additional_packages?.length ? ['packages to install'] : []),
    ...(override?.build_with?.length ? ['Python requirements'] : []),
    ...(Object.keys(override?.runtime_env ?? {}).length > 0 ? ['environment variables of the image'] : []),
    ...(caCertPath ? ['a CA certificate'] : []),
    ...(entrypointArguments?.length ? ['arguments of the entrypoint'] : []),
  ];
  if (given.length === 0) return;
  throw new ThvError(
    'ERR_BUILD_INPUT_INVALID',
    { reason: `the folder has a Dockerfile of its own, to which these do not apply: ${given.join(', ')}` },
    { hint: 'write it into the Dockerfile' },
  );
}

function repositoryOf({ name }: FolderProject): string {
  return imageRepository({ scheme: 'folder', package: name });
}
