import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ImageReference } from '../image-reference.ts';
import { CredentialsFile, fileCredentials, serverOf } from './config-file.ts';
import { genericCredentials, hostCredentials } from './environment.ts';
import { askCredentialHelper } from './helper.ts';
import type { Environment, RegistryCredentials } from './types.ts';

export interface CredentialSearch {
  readonly env: Environment;
  readonly home: string;
  /** Whether the pair for every registry may be shown to this one (spec 03 §15-B13). Asked only when there is such a pair. */
  readonly mayUseGeneric: () => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
}

/** Credentials for an image's registry, of the first source that has some (spec 03 §12.3). `undefined` means anonymous. */
export async function findCredentials(
  reference: ImageReference,
  search: CredentialSearch,
): Promise<RegistryCredentials | undefined> {
  const { env, signal } = search;
  const ofHost = hostCredentials(env, reference.registry);
  if (ofHost !== undefined) return ofHost;
  const generic = genericCredentials(env);
  if (generic !== undefined && (await search.mayUseGeneric())) return generic;
  for (const file of await readCredentialFiles(search)) {
    const found = await fileCredentials(file, reference, (name, server) =>
      askCredentialHelper(name, server, { env, signal }),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Value of the header `X-Registry-Auth` (Engine API 1.41, "Authentication"): JSON in base64url with padding. */
export function encodeRegistryAuth(credentials: RegistryCredentials, reference: ImageReference): string {
  return encodeHeader(authConfig(credentials, reference));
}

/** Value of the header `X-Registry-Config` of a build: what `X-Registry-Auth` holds, by registry. */
export function encodeRegistryConfig(
  logins: readonly (readonly [ImageReference, RegistryCredentials])[],
): string {
  return encodeHeader(
    Object.fromEntries(
      logins.map(([reference, credentials]) => [serverOf(reference), authConfig(credentials, reference)]),
    ),
  );
}

function authConfig(credentials: RegistryCredentials, reference: ImageReference) {
  const serveraddress = serverOf(reference);
  return credentials.kind === 'identity-token'
    ? { identitytoken: credentials.identityToken, serveraddress }
    : { username: credentials.username, password: credentials.password, serveraddress };
}

/** With padding: Docker's decoder is Go's base64.URLEncoding, which insists on it. */
function encodeHeader(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Docker's files; only where there are none, those of the containers tools. */
async function readCredentialFiles({ env, home }: CredentialSearch): Promise<readonly CredentialsFile[]> {
  const inFolder = (folder: string | undefined, ...names: string[]) =>
    folder ? [join(folder, ...names)] : [];
  const docker = [...inFolder(env['DOCKER_CONFIG'], 'config.json'), join(home, '.docker', 'config.json')];
  const containers = [
    ...(env['REGISTRY_AUTH_FILE'] ? [env['REGISTRY_AUTH_FILE']] : []),
    ...inFolder(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
  ];
  for (const paths of [docker, containers]) {
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => undefined)));
    const existing = contents.filter((content) => content !== undefined);
    if (existing.length > 0) return existing.flatMap(parseCredentialsFile);
  }
  return [];
}

/** Empty for a file that cannot be parsed, because another source may have the credentials (spec 03 §12.3.5). */
function parseCredentialsFile(content: string): readonly CredentialsFile[] {
  try {
    const parsed = v.safeParse(CredentialsFile, JSON.parse(content));
    return parsed.success ? [parsed.output] : [];
  } catch {
    return [];
  }
}
