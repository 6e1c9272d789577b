import { ThvError } from '../errors/index.ts';
import { givenUp } from '../platform/index.ts';
import { encodeRegistryConfig, findCredentials } from './credentials/find.ts';
import type { Environment, RegistryCredentials } from './credentials/types.ts';
import type { EngineHttp } from './http.ts';
import { type ImageReference, parseImageReference } from './image-reference.ts';
import { errorOf, readJsonRecords } from './json-records.ts';
import type { BuildOptions } from './types.ts';

/** An installation may be silent for minutes, so the limit is for the whole. */
const BUILD_TIMEOUT_MS = 30 * 60_000;

interface BuildContext {
  readonly env: Environment;
  readonly home: string;
}

/** Lets the engine build with its classic builder, logged in at the registries of the base images (spec 03 §13.3). */
export async function buildWithCredentials(
  http: EngineHttp,
  host: BuildContext,
  context: AsyncIterable<Uint8Array>,
  options: BuildOptions,
): Promise<void> {
  const { tag, dockerfile, labels, buildArguments, signal } = options;
  const registryConfig = await registryConfigOf(options, host);
  const records = readJsonRecords(
    http.stream({
      method: 'POST',
      path: '/build',
      query: {
        t: tag,
        dockerfile,
        rm: 1,
        forcerm: 1,
        labels: JSON.stringify(labels),
        buildargs: JSON.stringify(buildArguments),
      },
      headers: {
        'Content-Type': 'application/x-tar',
        ...(registryConfig === undefined ? {} : { 'X-Registry-Config': registryConfig }),
      },
      body: context,
      timeoutMs: BUILD_TIMEOUT_MS,
      signal,
      explain: (failure) => (failure.kind === 'refused' ? buildFailed(failure.message) : undefined),
    }),
  );
  try {
    for await (const record of records) {
      const { stream } = record;
      if (typeof stream === 'string') options.onOutput?.(stream);
      const problem = errorOf(record);
      if (problem !== undefined) throw buildFailed(problem);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw givenUp(signal, { timedOut: 'image build timed out', cancelled: 'image build was canceled' });
  }
}

function buildFailed(message: string): ThvError {
  return new ThvError('ERR_BUILD_FAILED', { reason: message.trim() });
}

/** `undefined` when all base images are pulled anonymously. */
async function registryConfigOf(
  { baseImages, signal }: BuildOptions,
  { env, home }: BuildContext,
): Promise<string | undefined> {
  const found: (readonly [ImageReference, RegistryCredentials])[] = [];
  for (const image of baseImages) {
    const reference = parseImageReference(image);
    // The pair for every registry is for the image that the user runs, not for what it is built on (spec 03 §15-B13).
    const credentials = await findCredentials(reference, {
      env,
      home,
      mayUseGeneric: async () => false,
      signal,
    });
    if (credentials !== undefined) found.push([reference, credentials]);
  }
  return found.length === 0 ? undefined : encodeRegistryConfig(found);
}
