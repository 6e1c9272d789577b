import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseImageReference } from '../engine/index.ts';
import { sanitizeWorkloadName, type WorkloadName } from '../records/index.ts';
import {
  type BuildImageOptions,
  buildOnce,
  checkImageName,
  type ImageBuild,
  imageBuildOf,
  renderMasked,
} from './build-image.ts';
import { nodeFolder } from './dockerfile/node-folder.ts';
import { pythonFolder } from './dockerfile/python-folder.ts';
import type {
  DockerfileProject,
  FolderProject,
  GoProject,
  NodeProject,
  PythonProject,
} from './folder/types.ts';
import { readHostSettings } from './host-settings/read.ts';
import { type IgnoreRules, readIgnoreRules } from './ignore-rules.ts';
import { imageKey } from './image-key.ts';
import { contextEntries, type LocalProject } from './local-project.ts';
import { imageRepository, type PackageReference } from './package-reference.ts';
import { type BuildInputs, type FolderBuild, type PreparedBuild, prepareBuild } from './prepare.ts';

/** What the tools of a project make anew, history, and files that are there to hold secrets. An ignore file can take them back. */
const LEFT_OUT = ['.git', 'node_modules', '.venv', '__pycache__', '.env', '.env.*', '.netrc'].map(
  (name) => `**/${name}`,
);
/** A folder of ours in the context; see `BuildPlan.filesPrefix`. */
const OURS: ReadonlySet<string> = new Set(['.thv-build']);
const DOCKERFILE = 'Dockerfile';

/** The name of an image that runs the folder as a server. Options and errors are those of `buildPackageImage`. */
export async function buildFolderImage(project: FolderProject, options: BuildImageOptions): Promise<string> {
  checkImageName(options.tag);
  const build =
    project.kind === 'dockerfile' ? dockerfileBuild(project, options) : generatedBuild(project, options);
  return buildOnce(await build, options);
}

/** The Dockerfile of the folder, or the one that would be generated, secret values masked; asks no engine. */
export async function folderDockerfile(project: FolderProject, inputs: BuildInputs): Promise<string> {
  if (project.kind === 'dockerfile') return readFile(join(project.folder, DOCKERFILE), 'utf8');
  return renderMasked(await prepareFolder(project, inputs));
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
  const { folder } = project;
  const context: LocalProject = {
    target: '.',
    async *entries() {
      yield* contextEntries(folder, await readIgnoreRules(folder, LEFT_OUT), OURS);
    },
  };
  return project.kind === 'node'
    ? { recipe: nodeFolder(project), project: context, image: undefined }
    : { recipe: pythonFolder(project), project: context, image: project.image };
}

/** Built as it is: what is not in the file is not in the image, certificates of ours included. */
async function dockerfileBuild(
  project: DockerfileProject,
  { env, home, logger }: BuildInputs,
): Promise<ImageBuild> {
  const { folder } = project;
  const rules = withDockerfile(await readIgnoreRules(folder));
  const context = () => contextEntries(folder, rules, new Set());
  const text = await readFile(join(folder, DOCKERFILE), 'utf8');
  const { proxies } = await readHostSettings('npx', { env, home, configured: new Map(), logger });
  return {
    source: project.name,
    repository: repositoryOf(project),
    isPinned: true,
    key: await imageKey({ folder: 'its own Dockerfile' }, context()),
    dockerfile: DOCKERFILE,
    context,
    baseImages: baseImagesOf(text),
    buildArguments: proxies,
  };
}

/** The file is sent even if it is left out of what it copies. */
function withDockerfile(rules: IgnoreRules): IgnoreRules {
  return { ...rules, ignores: (path) => path !== DOCKERFILE && rules.ignores(path) };
}

/** Images that are pulled: what `FROM` names, other stages and names made of arguments aside (Dockerfile reference, "FROM"). */
export function baseImagesOf(dockerfile: string): readonly string[] {
  const stages = new Set(['scratch']);
  const images = new Set<string>();
  for (const line of dockerfile.split(/\r?\n/)) {
    const [, image, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? [];
    if (image === undefined) continue;
    if (!stages.has(image.toLowerCase()) && isReference(image)) images.add(image);
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
  return [...images];
}

function isReference(text: string): boolean {
  try {
    parseImageReference(text);
    return true;
  } catch {
    return false; // an argument in it, or nonsense that the engine will complain of
  }
}

function repositoryOf({ name }: FolderProject): string {
  return imageRepository({ scheme: 'folder', package: name });
}
