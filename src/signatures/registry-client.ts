import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { ImageReference, RegistryAccess } from '../engine/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { createHttpClient, type HttpAnswer } from '../net/index.ts';
import { tokenFor } from './registry-token.ts';

/** Longest manifest and bundle (spec 03 §12.4). */
const MANIFEST_LIMIT_BYTES = 10 * 1024 ** 2;
const REQUEST_TIMEOUT_MS = 10_000;
const REDIRECTS = 3;
const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const Descriptor = v.object({
  mediaType: v.optional(v.string(), ''),
  digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)),
  size: v.optional(v.number(), 0),
  artifactType: v.optional(v.string(), ''),
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});
const Manifest = v.object({
  artifactType: v.optional(v.string(), ''),
  config: v.optional(Descriptor),
  layers: v.optional(v.array(Descriptor), []),
  manifests: v.optional(v.array(Descriptor), []),
});
export type Descriptor = v.InferOutput<typeof Descriptor>;
export type Manifest = v.InferOutput<typeof Manifest>;

interface Fetched<Value> {
  readonly digest: string;
  readonly bytes: Buffer;
  readonly value: Value;
}

export interface RegistryClientOptions {
  readonly access: RegistryAccess;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

/** One repository of a registry, read-only (OCI distribution-spec 1.1). */
export interface RepositoryClient {
  /** By tag or digest; `undefined` when there is none. What it gives has the digest that it says. Throws `ERR_HTTP`, `ERR_IMAGE_PULL`. */
  findManifest(reference: string): Promise<Fetched<Manifest> | undefined>;
  /** Throws `ERR_HTTP`, and `ERR_IMAGE_PULL` for an answer that is no such blob. */
  getBlob(digest: string): Promise<Buffer>;
  /** What refers to a manifest, asked by the API and where there is none by the tag that stands in for it. */
  referrers(digest: string): Promise<readonly Descriptor[]>;
}

export function openRepository(
  { registry, repository }: ImageReference,
  { access, env, signal }: RegistryClientOptions,
): RepositoryClient {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const schemes = access.allowsPlainHttp ? ['https', 'http'] : ['https'];
  const settings = { plainHttp: access.allowsPlainHttp ? 'always' : 'never', proxies: env } as const;
  // What a registry of the internet leads to must not be in the user's own network; a registry that is in there may.
  let http = createHttpClient({ ...settings, allowPrivateAddresses: false });
  let scheme: string | undefined;
  let authorization: string | undefined;

  async function ask(path: string, accept: string): Promise<HttpAnswer> {
    const answer = await send(path, accept);
    if (answer.status !== 401) return answer;
    authorization = await tokenFor(answer.headers.get('www-authenticate') ?? '', {
      http,
      repository,
      credentials: access.credentials,
      signal,
    });
    return authorization === undefined ? answer : await send(path, accept);
  }

  async function send(path: string, accept: string): Promise<HttpAnswer> {
    if (scheme !== undefined) return await sendBy(scheme, path, accept);
    let last: unknown;
    for (const candidate of schemes) {
      try {
        const answer = await sendBy(candidate, path, accept);
        scheme = candidate;
        return answer;
      } catch (error) {
        last ??= error;
        if (!hasCode(error, 'ERR_HTTP') || error.facts.failed !== 'connection') throw error;
      }
    }
    throw last;
  }

  async function sendBy(by: string, path: string, accept: string): Promise<HttpAnswer> {
    const url = `${by}://${host}/v2/${repository}/${path}`;
    const request = {
      headers: { Accept: accept },
      ...(authorization === undefined ? {} : { credentials: { Authorization: authorization } }),
      maxBytes: MANIFEST_LIMIT_BYTES,
      timeoutMs: REQUEST_TIMEOUT_MS,
      redirects: REDIRECTS,
      signal,
    };
    try {
      return await http.send(url, request);
    } catch (error) {
      if (
        !hasCode(error, 'ERR_HTTP') ||
        error.facts.failed !== 'private' ||
        error.facts.url !== new URL(url).href
      )
        throw error;
      http = createHttpClient({ ...settings, allowPrivateAddresses: true });
      return await http.send(url, request);
    }
  }

  async function findManifest(reference: string): Promise<Fetched<Manifest> | undefined> {
    const answer = await ask(`manifests/${reference}`, MANIFEST_TYPES);
    if (answer.status === 404) return undefined;
    const bytes = bodyOf(answer, `manifests/${reference}`);
    const digest = digestOf(bytes);
    if (reference.startsWith('sha256:') && digest !== reference)
      throw refusal(`the manifest ${reference} has the digest ${digest}`);
    return { digest, bytes, value: parse(Manifest, bytes, reference) };
  }

  function bodyOf(answer: HttpAnswer, path: string): Buffer {
    if (answer.status !== 200) throw refusal(`${host} answered ${answer.status} for ${repository}/${path}`);
    return Buffer.from(answer.body);
  }

  function refusal(reason: string): ThvError {
    return new ThvError('ERR_IMAGE_PULL', { image: `${registry}/${repository}`, reason });
  }

  function parse<const Schema extends v.GenericSchema>(schema: Schema, bytes: Buffer, what: string) {
    try {
      return v.parse(schema, JSON.parse(bytes.toString()));
    } catch (error) {
      const reason = `${host} has no readable manifest for ${what}`;
      throw new ThvError('ERR_IMAGE_PULL', { image: `${registry}/${repository}`, reason }, { cause: error });
    }
  }

  return {
    findManifest,
    async getBlob(digest) {
      const bytes = bodyOf(await ask(`blobs/${digest}`, '*/*'), `blobs/${digest}`);
      if (digestOf(bytes) !== digest) throw refusal(`the blob ${digest} has another digest`);
      return bytes;
    },
    async referrers(digest) {
      const answer = await ask(`referrers/${digest}`, MANIFEST_TYPES);
      if (answer.status === 200)
        return parse(Manifest, Buffer.from(answer.body), `referrers of ${digest}`).manifests;
      if (![400, 404, 405].includes(answer.status)) bodyOf(answer, `referrers/${digest}`);
      return (await findManifest(digest.replace(':', '-')))?.value.manifests ?? [];
    },
  };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
