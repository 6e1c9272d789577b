import { findCredentials } from './credentials/find.ts';
import type { Environment, RegistryCredentials } from './credentials/types.ts';
import type { EngineHttp } from './http.ts';
import type { ImageReference } from './image-reference.ts';
import { type EngineInfo, isLoopbackRegistry, isPlainHttpRegistry } from './plain-http-registry.ts';
import type { RegistryAccess } from './types.ts';

export interface CredentialPlaces {
  readonly env: Environment;
  readonly home: string;
}

interface Asker {
  readonly reference: ImageReference;
  /** Who asks for the image. `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` are used only for the user's images. */
  readonly owner: 'user' | 'program';
  readonly signal: AbortSignal | undefined;
}

/** Credentials of spec 03 §12.3 for one image. */
export async function credentialsFor(
  http: EngineHttp,
  places: CredentialPlaces,
  asker: Asker,
): Promise<RegistryCredentials | undefined> {
  return await findCredentials(asker.reference, {
    ...places,
    mayUseGeneric: () => mayUseGeneric(http, asker),
    signal: asker.signal,
  });
}

export async function findRegistryAccess(
  http: EngineHttp,
  places: CredentialPlaces,
  asker: Asker,
): Promise<RegistryAccess> {
  return {
    credentials: await credentialsFor(http, places, asker),
    allowsPlainHttp: await isUnprotected(http, asker),
  };
}

/** The pair for every registry is for the user's images only, and never leaves this machine unprotected (B13). */
async function mayUseGeneric(http: EngineHttp, asker: Asker): Promise<boolean> {
  if (asker.owner === 'program') return false;
  return isLoopbackRegistry(asker.reference.registry) || !(await isUnprotected(http, asker));
}

async function isUnprotected(http: EngineHttp, { reference, signal }: Asker): Promise<boolean> {
  if (isLoopbackRegistry(reference.registry)) return true;
  const info = await http.json<EngineInfo>({ method: 'GET', path: '/info', signal });
  return isPlainHttpRegistry(reference.registry, info);
}
