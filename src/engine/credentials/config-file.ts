import * as v from 'valibot';
import type { ImageReference } from '../image-reference.ts';
import type { RegistryCredentials } from './types.ts';

const Text = v.optional(v.string(), '');
const AuthEntry = v.object({ auth: Text, username: Text, password: Text, identitytoken: Text });

/** The part of `config.json` (Docker) and `auth.json` (containers-auth.json(5)) that is about registries. */
export const CredentialsFile = v.object({
  auths: v.optional(v.record(v.string(), AuthEntry), {}),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: Text,
});
export type CredentialsFile = v.InferOutput<typeof CredentialsFile>;

export type AskHelper = (name: string, server: string) => Promise<RegistryCredentials | undefined>;

/** What one file knows about an image's registry: helper of the registry, general helper, then what the file itself holds. */
export async function fileCredentials(
  file: CredentialsFile,
  reference: ImageReference,
  askHelper: AskHelper,
): Promise<RegistryCredentials | undefined> {
  const keys = lookupKeys(reference);
  for (const key of keys) {
    const helper = file.credHelpers[key];
    const found = helper === undefined ? undefined : await askHelper(helper, key);
    if (found !== undefined) return found;
  }
  if (file.credsStore !== '') {
    const found = await askHelper(file.credsStore, serverOf(reference));
    if (found !== undefined) return found;
  }
  for (const key of keys) {
    for (const [written, entry] of Object.entries(file.auths)) {
      const found = withoutScheme(written) === withoutScheme(key) ? entryCredentials(entry) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The registry under the name credential stores know it by. */
export function serverOf(reference: ImageReference): string {
  return reference.registry === 'docker.io' ? 'https://index.docker.io/v1/' : reference.registry;
}

/** From the full repository over its parents to the host (spec 03 §12.3.3; the parents are auth.json's). */
function lookupKeys(reference: ImageReference): readonly string[] {
  const parts = reference.repository.split('/');
  const names = parts.map((_, index) =>
    [reference.registry, ...parts.slice(0, parts.length - index)].join('/'),
  );
  const hubNames = reference.registry === 'docker.io' ? [serverOf(reference), 'index.docker.io'] : [];
  return [...names, ...hubNames, reference.registry];
}

/** Old tools wrote `https://host/v1/` where newer ones write `host`. */
function withoutScheme(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
}

function entryCredentials(entry: CredentialsFile['auths'][string]): RegistryCredentials | undefined {
  if (entry.identitytoken !== '') return { kind: 'identity-token', identityToken: entry.identitytoken };
  if (entry.username !== '' && entry.password !== '') {
    return { kind: 'password', username: entry.username, password: entry.password };
  }
  const [, username, password] =
    /^([^:]+):([\s\S]+)$/.exec(Buffer.from(entry.auth, 'base64').toString()) ?? [];
  // Old Docker padded the pair with NUL bytes.
  return username === undefined || password === undefined
    ? undefined
    : { kind: 'password', username, password: password.replace(/\0+$/, '') };
}
