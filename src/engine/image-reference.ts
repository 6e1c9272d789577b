import { ThvError } from '../errors/index.ts';

/** An image reference in its parts (spec 03 §12.2). */
export interface ImageReference {
  /** Host, with port where given; Docker Hub is `docker.io` however it was spelled. */
  readonly registry: string;
  /** With `library/` where Docker Hub adds it. */
  readonly repository: string;
  /** As written; absent when the reference has none. */
  readonly tag: string | undefined;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string | undefined;
}

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_ALIASES: ReadonlySet<string> = new Set([
  DOCKER_HUB,
  'index.docker.io',
  'registry-1.docker.io',
]);
const REGISTRY =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const REPOSITORY_CHARACTERS = /^[a-z0-9_./-]+$/;
const REPOSITORY_LENGTH = { min: 2, max: 255 };
const TAG = /^[A-Za-z0-9_.-]{1,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Throws `ERR_IMAGE_REFERENCE_INVALID` with the part that is wrong. */
export function parseImageReference(image: string): ImageReference {
  const refuse = (reason: string) => new ThvError('ERR_IMAGE_REFERENCE_INVALID', { image, reason });
  if (image === '') throw refuse('it is empty');

  const [named = '', digest, ...more] = image.split('@');
  if (more.length > 0) throw refuse('it has more than one "@"');
  if (digest !== undefined && !DIGEST.test(digest))
    throw refuse(`the digest "${digest}" is not sha256: and 64 hex digits`);

  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) {
    throw refuse(`the tag "${tag}" is not 1 to 127 of letters, digits, "_", "." and "-"`);
  }

  const { registry, repository } = splitRegistry(hasTag ? named.slice(0, colon) : named);
  if (!REGISTRY.test(registry)) throw refuse(`"${registry}" is not a registry host`);
  const problem = repositoryProblem(repository);
  if (problem !== undefined) throw refuse(`the repository "${repository}" ${problem}`);
  return { registry, repository, tag, digest };
}

/** The full name without tag and digest, as both engines understand it. */
export function imageName(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** True when the reference may mean another image tomorrow: no digest, and the tag is `latest` or absent (spec 03 §12.1). */
export function isLatest(reference: ImageReference): boolean {
  return reference.digest === undefined && (reference.tag === undefined || reference.tag === 'latest');
}

/** Whether two engine ids name one image; Podman leaves their `sha256:` out. */
export function isSameImageId(one: string, other: string): boolean {
  const digits = (id: string) => id.replace(/^sha256:/, '');
  return digits(one) === digits(other);
}

/** The first part is a registry when it looks like a host: a dot, a port, or `localhost`. */
function splitRegistry(name: string): Pick<ImageReference, 'registry' | 'repository'> {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? first : DOCKER_HUB;
  const repository = isHost ? name.slice(slash + 1) : name;
  if (!DOCKER_HUB_ALIASES.has(registry)) return { registry, repository };
  return {
    registry: DOCKER_HUB,
    repository: repository.includes('/') ? repository : `library/${repository}`,
  };
}

function repositoryProblem(repository: string): string | undefined {
  const { min, max } = REPOSITORY_LENGTH;
  if (repository.length < min || repository.length > max) return `is not ${min} to ${max} characters long`;
  if (!REPOSITORY_CHARACTERS.test(repository))
    return 'has characters other than a-z, 0-9, "_", ".", "/" and "-"';
  const parts = repository.split('/');
  if (parts.includes('')) return 'has an empty part';
  // No engine knows such a name, and in the path of a request it would lead elsewhere.
  if (parts.includes('.') || parts.includes('..')) return 'has a part that is "." or ".."';
  return undefined;
}
