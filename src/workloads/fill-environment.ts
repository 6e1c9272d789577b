import { hasCode } from '../errors/index.ts';
import type { SecretParameter } from '../records/index.ts';
import type { EntryHeader, EntryVariable, FilledVariables, ValueSources } from '../registry/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import type { Context } from './context.ts';
import type { Ask, OperationOptions } from './types.ts';

export interface Filled {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretParameter[];
}

/**
 * Values for the variables that a source declares and the user did not give (spec 08 §5.1): defaults, secrets of that name,
 * answers. Throws `ERR_VARIABLES_MISSING`.
 */
export async function fillEnvironment(
  context: Context,
  declared: readonly EntryVariable[],
  provided: ReadonlySet<string>,
  { ask, signal }: OperationOptions & { readonly ask?: Ask | undefined },
): Promise<Filled> {
  if (declared.length === 0) return { environment: {}, secrets: [] };
  const { fillVariables } = await import('../registry/index.ts');
  const sources = await sourcesFor(context, declared, { ask, signal });
  const { plain, secrets } = await fillVariables(declared, provided, sources);
  return {
    environment: plain,
    secrets: Object.entries(secrets).map(([target, name]) => ({ name, target })),
  };
}

/** The same for the headers of a remote server; secrets are names in the store, by header. Throws `ERR_HEADERS_MISSING`. */
export async function fillEntryHeaders(
  context: Context,
  declared: readonly EntryHeader[],
  provided: ReadonlySet<string>,
  options: OperationOptions & { readonly ask?: Ask | undefined },
): Promise<FilledVariables> {
  if (declared.length === 0) return { plain: {}, secrets: {} };
  const { fillHeaders } = await import('../registry/index.ts');
  return await fillHeaders(declared, provided, await sourcesFor(context, declared, options));
}

async function sourcesFor(
  context: Context,
  declared: readonly EntryVariable[],
  { ask, signal }: OperationOptions & { readonly ask?: Ask | undefined },
): Promise<ValueSources> {
  const store = declared.some(({ secret }) => secret) ? await openIfSetUp(context, signal) : undefined;
  const secrets = store === undefined ? undefined : await valuesOf(store);
  return { ask, secrets, logger: context.logger };
}

async function openIfSetUp(context: Context, signal?: AbortSignal): Promise<SecretsStore | undefined> {
  try {
    return await context.secrets(signal);
  } catch (error) {
    if (hasCode(error, 'ERR_SECRETS_NOT_SET_UP')) return undefined;
    throw error;
  }
}

async function valuesOf(store: SecretsStore) {
  const { scopedSecrets } = await import('../secrets/index.ts');
  const scoped = scopedSecrets(store, 'workloads');
  const has = async (secrets: SecretsStore, name: string) => {
    try {
      await secrets.get(name);
      return true;
    } catch (error) {
      if (hasCode(error, 'ERR_SECRET_NOT_FOUND')) return false;
      throw error;
    }
  };
  return {
    has: (name: string) => has(store, name),
    /** Adds a unique ending to a name that is taken, because another workload may refer to it (spec 09 §5.5). */
    async save(name: string, value: string) {
      const free = (await has(scoped, name)) ? `${name}_${process.hrtime.bigint()}_${randomHex()}` : name;
      await scoped.set(free, value);
      return free;
    },
  };
}

function randomHex(): string {
  return crypto.randomUUID().slice(0, 8);
}
