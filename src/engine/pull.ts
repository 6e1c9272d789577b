import { messageOf, ThvError } from '../errors/index.ts';
import { givenUp } from '../platform/index.ts';
import { withoutEcho } from './engine-message.ts';
import type { EngineHttp } from './http.ts';
import { type ImageReference, imageName } from './image-reference.ts';
import { errorOf, isRecord, type JsonRecord, readJsonRecords } from './json-records.ts';
import type { PullProgress } from './types.ts';

interface PullRequest {
  /** As the user wrote it, for messages. */
  readonly image: string;
  readonly reference: ImageReference;
  readonly registryAuth: string | undefined;
  readonly onProgress: ((progress: PullProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * What engines say, in the words of Go's network library, when they got no answer from a registry. Everything else is an answer:
 * the registry was asked and does not have the image, or does not give it to this user.
 */
const UNREACHABLE =
  /no such host|name resolution|server misbehaving|connection (?:refused|reset)|network is unreachable|no route to host|i\/o timeout|handshake timeout|deadline exceeded|Client\.Timeout|x509: |: EOF$/i;

/**
 * Lets the engine pull (spec 03 §12.2, Engine API 1.41 `POST /images/create`). What the engine says against it is reported behind
 * the sentence of spec 03 §12.1 (B13), whether it came as a status (Docker) or at the end of a stream that began well (Podman);
 * a registry that could not be reached is told as that.
 */
export async function pullImage(http: EngineHttp, request: PullRequest): Promise<void> {
  const { image, reference, registryAuth, onProgress, signal } = request;
  const refused = (reason: string) =>
    UNREACHABLE.test(reason)
      ? new ThvError(
          'ERR_IMAGE_PULL',
          { image, reason: `the registry of image ${image} cannot be reached: ${reason}` },
          {
            hint: 'check the network of this machine and of the engine, and the name before the first slash',
          },
        )
      : new ThvError('ERR_IMAGE_NOT_FOUND', { image, reason });
  const body = http.stream({
    method: 'POST',
    path: '/images/create',
    // A digest counts more than a tag; with neither, Docker would pull every tag there is.
    query: { fromImage: imageName(reference), tag: reference.digest ?? reference.tag ?? 'latest' },
    headers: registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth },
    signal,
    explain: (failure) => (failure.kind === 'refused' ? refused(failure.message) : undefined),
  });
  try {
    for await (const record of readJsonRecords(body)) {
      const problem = errorOf(record);
      if (problem !== undefined) throw refused(withoutEcho(problem));
      const progress = progressOf(record);
      if (progress !== undefined) onProgress?.(progress);
    }
  } catch (error) {
    throw pullFailure(error, image, signal);
  }
}

function pullFailure(error: unknown, image: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) {
    return givenUp(signal, {
      timedOut: 'image pull timed out - the image may be too large or the connection too slow',
      cancelled: 'image pull was canceled',
    });
  }
  if (!(error instanceof ThvError) || error.code !== 'ERR_ENGINE_UNAVAILABLE') return error;
  return new ThvError(
    'ERR_IMAGE_PULL',
    { image, reason: `failed waiting for image pull: ${messageOf(error)}` },
    { cause: error },
  );
}

function progressOf(record: JsonRecord): PullProgress | undefined {
  const { status, id, progressDetail } = record;
  if (typeof status !== 'string' || status === '') return undefined;
  const detail = isRecord(progressDetail) ? progressDetail : {};
  return {
    status,
    ...(typeof id === 'string' ? { layer: id } : {}),
    ...(typeof detail['current'] === 'number' ? { currentBytes: detail['current'] } : {}),
    ...(typeof detail['total'] === 'number' ? { totalBytes: detail['total'] } : {}),
  };
}
