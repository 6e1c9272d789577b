import type { FolderProject, PackageReference } from '../build/index.ts';
import { parseImageReference } from '../engine/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { nameFromImage } from '../records/index.ts';
import type { Registry, RegistryEntry } from '../registry/index.ts';
import { isFolderPath } from './folder-path.ts';
import { suggestSource } from './mistyped-source.ts';

/** What the first word of `thv run` turned out to be, when it is no URL. */
export type Source =
  | { readonly kind: 'package'; readonly reference: PackageReference; readonly defaultName: string }
  | { readonly kind: 'folder'; readonly project: FolderProject; readonly defaultName: string }
  | { readonly kind: 'entry'; readonly entry: RegistryEntry; readonly defaultName: string }
  | { readonly kind: 'image'; readonly image: string; readonly defaultName: string };

interface IdentifyOptions {
  /** Asked only about a word that can be a name in it. */
  readonly registry: () => Promise<Pick<Registry, 'find'>>;
  /** What paths are relative to. */
  readonly workingFolder?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * From the word a person typed to what is to be run, in the order of spec 01 §4.1; what is nothing else is an image.
 * Throws `ERR_IMAGE_REFERENCE_INVALID`, `ERR_PACKAGE_INVALID`, `ERR_FOLDER_UNUSABLE`, `ERR_SERVER_AMBIGUOUS` (an ambiguous name is not an image,
 * spec 08 §9.20), and what a registry throws that cannot be read.
 */
export async function identifySource(text: string, options: IdentifyOptions): Promise<Source> {
  if (text.includes('://')) return identifyScheme(text);
  // No name and no image begins like a path.
  if (isFolderPath(text)) return identifyFolder(text, options);
  return (await findEntry(text, options)) ?? identifyImage(text);
}

async function identifyFolder(
  text: string,
  { workingFolder = process.cwd() }: IdentifyOptions,
): Promise<Source> {
  const { folderWorkloadName, inspectFolder } = await import('../build/index.ts');
  const project = await inspectFolder(text, workingFolder);
  return { kind: 'folder', project, defaultName: folderWorkloadName(project) };
}

async function identifyScheme(text: string): Promise<Source> {
  const image = /^(?:docker|oci):\/\/(.*)$/s.exec(text)?.[1];
  if (image !== undefined) return identifyImage(image);
  const { requirePackageReference } = await import('../build/index.ts');
  const reference = requirePackageReference(text);
  return { kind: 'package', reference, defaultName: nameFromPackage(reference.package) };
}

/** Names have no colon, so that an image with a tag or a port asks no registry. */
async function findEntry(name: string, { registry, signal }: IdentifyOptions): Promise<Source | undefined> {
  if (/[:@]/.test(name)) return undefined;
  try {
    const entry = await (await registry()).find(name, { signal });
    const { workloadNameFor } = await import('../registry/index.ts');
    return { kind: 'entry', entry, defaultName: workloadNameFor(name) };
  } catch (error) {
    if (hasCode(error, 'ERR_SERVER_NOT_FOUND')) return undefined;
    throw error;
  }
}

function identifyImage(image: string): Source {
  const meant = suggestSource(image);
  if (meant !== undefined) {
    throw new ThvError(
      'ERR_IMAGE_REFERENCE_INVALID',
      { image, reason: 'it is not the name of an image' },
      { hint: `did you mean ${meant}?` },
    );
  }
  parseImageReference(image);
  return { kind: 'image', image, defaultName: nameFromImage(image) };
}

/** spec 01 §4.5: `@scope/name@1.0` → `scope-name-1-0`, a path likewise. */
function nameFromPackage(name: string): string {
  const plain = name
    .replace(/^\.\//, '')
    .replace(/^\.\.\//, '')
    .replaceAll(/[/@.]/g, '-')
    .replace(/^-/, '');
  return plain === '' || plain === '-' ? 'toolhive-container' : plain;
}
