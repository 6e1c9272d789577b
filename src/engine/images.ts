import type Docker from 'dockerode';
import { ThvError } from '../errors/index.ts';
import type { Environment } from './credentials/types.ts';
import type { EngineHttp, Failure } from './http.ts';
import { imageName, parseImageReference } from './image-reference.ts';
import type { ImageDetails, Images, Waiting } from './types.ts';

const REMOVE_TIMEOUT_MS = 180_000;

interface ImageContext {
  readonly env: Environment;
  readonly home: string;
}

/** Finds, pulls, builds, tags and removes images of one engine (spec 03 §12). */
export function createImages(http: EngineHttp, { env, home }: ImageContext): Images {
  async function find(reference: string, options: Waiting = {}): Promise<ImageDetails | undefined> {
    try {
      return await http.json<ImageDetails>({
        method: 'GET',
        path: `/images/${pathName(reference)}/json`,
        explain: noSuchImage(reference),
        ...options,
      });
    } catch (error) {
      if (error instanceof ThvError && error.code === 'ERR_IMAGE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  return {
    find,

    list: ({ label }, options = {}) =>
      http.json<readonly Docker.ImageInfo[]>({
        method: 'GET',
        path: '/images/json',
        query: { filters: JSON.stringify({ label: [label] }) },
        ...options,
      }),

    async build(context, options) {
      const { buildWithCredentials } = await import('./build.ts');
      await buildWithCredentials(http, { env, home }, context, options);
    },

    async pull(image, { signal, onProgress, owner = 'user' } = {}) {
      const reference = parseImageReference(image);
      // Credentials need modules that take milliseconds to load, and few commands pull.
      const { pullWithCredentials } = await import('./pull-with-credentials.ts');
      await pullWithCredentials(http, { env, home }, { image, reference, owner, onProgress, signal });
    },

    async registryAccess(image, { signal } = {}) {
      const reference = parseImageReference(image);
      const { findRegistryAccess } = await import('./registry-access.ts');
      return findRegistryAccess(http, { env, home }, { reference, owner: 'user', signal });
    },

    async tag(source, target, options = {}) {
      const reference = parseImageReference(target);
      await http.send({
        method: 'POST',
        path: `/images/${pathName(source)}/tag`,
        query: { repo: imageName(reference), tag: reference.tag ?? 'latest' },
        ...options,
      });
    },

    async remove(image, { force, signal } = {}) {
      await http.send({
        method: 'DELETE',
        path: `/images/${pathName(image)}`,
        query: { force: force ? 1 : undefined },
        accept: [404],
        timeoutMs: REMOVE_TIMEOUT_MS,
        signal,
      });
    },
  };
}

/**
 * A reference or image id as part of a path; both engines take slashes there. Of `name:tag@digest` the tag goes: the digest says
 * it all, and Podman 4.3 refuses to have both.
 */
function pathName(image: string): string {
  const [name = '', digest] = image.split('@');
  const colon = name.lastIndexOf(':');
  const wanted =
    digest === undefined ? name : `${colon > name.lastIndexOf('/') ? name.slice(0, colon) : name}@${digest}`;
  return wanted.split('/').map(encodeURIComponent).join('/');
}

function noSuchImage(image: string) {
  return (failure: Failure) =>
    failure.kind === 'refused' && failure.status === 404
      ? new ThvError('ERR_IMAGE_NOT_FOUND', { image })
      : undefined;
}
