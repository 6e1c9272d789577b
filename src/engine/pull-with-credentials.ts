import { encodeRegistryAuth } from './credentials/find.ts';
import type { EngineHttp } from './http.ts';
import type { ImageReference } from './image-reference.ts';
import { pullImage } from './pull.ts';
import { type CredentialPlaces, credentialsFor } from './registry-access.ts';
import type { PullProgress } from './types.ts';

interface PullOrder {
  /** As the user wrote it, for messages. */
  readonly image: string;
  readonly reference: ImageReference;
  readonly owner: 'user' | 'program';
  readonly onProgress: ((progress: PullProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A pull with the credentials of spec 03 §12.3. */
export async function pullWithCredentials(
  http: EngineHttp,
  places: CredentialPlaces,
  order: PullOrder,
): Promise<void> {
  const credentials = await credentialsFor(http, places, order);
  const registryAuth =
    credentials === undefined ? undefined : encodeRegistryAuth(credentials, order.reference);
  await pullImage(http, { ...order, registryAuth });
}
