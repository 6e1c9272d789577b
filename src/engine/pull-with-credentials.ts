import { encodeRegistryAuth, findCredentials } from './credentials/find.ts';
import type { Environment } from './credentials/types.ts';
import type { EngineHttp } from './http.ts';
import type { ImageReference } from './image-reference.ts';
import { type EngineInfo, isLoopbackRegistry, isPlainHttpRegistry } from './plain-http-registry.ts';
import { pullImage } from './pull.ts';
import type { PullProgress } from './types.ts';

interface PullContext {
  readonly env: Environment;
  readonly home: string;
}

interface PullOrder {
  /** As the user wrote it, for messages. */
  readonly image: string;
  readonly reference: ImageReference;
  /** Who asked for the image. `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` are used only for the user's images. */
  readonly owner: 'user' | 'program';
  readonly onProgress: ((progress: PullProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A pull with the credentials of spec 03 §12.3. */
export async function pullWithCredentials(
  http: EngineHttp,
  context: PullContext,
  order: PullOrder,
): Promise<void> {
  const { reference, signal } = order;
  const credentials = await findCredentials(reference, {
    ...context,
    mayUseGeneric: () => mayUseGeneric(http, order),
    signal,
  });
  const registryAuth = credentials === undefined ? undefined : encodeRegistryAuth(credentials, reference);
  await pullImage(http, { ...order, registryAuth });
}

/** The pair for every registry is for the user's images only, and never leaves this machine unprotected (B13). */
async function mayUseGeneric(http: EngineHttp, { reference, owner, signal }: PullOrder): Promise<boolean> {
  if (owner === 'program') return false;
  if (isLoopbackRegistry(reference.registry)) return true;
  const info = await http.json<EngineInfo>({ method: 'GET', path: '/info', signal });
  return !isPlainHttpRegistry(reference.registry, info);
}
