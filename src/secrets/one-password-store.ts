import { keepSecret, messageOf, ThvError } from '../errors/index.ts';
import { answerInTime } from './answer-in-time.ts';
import { notFound, readOnly } from './read-only.ts';
import type { Environment, SecretEntry, SecretsStore } from './types.ts';

const SCHEME = 'op://';
/** Limit for creating the client, which asks the service once (spec 09 §5.1). */
const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;

/** The part of 1Password's client that is used, so that tests can stand in for the service. */
export interface OnePasswordClient {
  readonly secrets: { resolve(reference: string): Promise<string> };
  readonly vaults: { list(): Promise<readonly { readonly id: string; readonly title: string }[]> };
  readonly items: {
    list(vaultId: string): Promise<readonly { readonly id: string; readonly title: string }[]>;
    get(
      vaultId: string,
      itemId: string,
    ): Promise<{ readonly fields: readonly { readonly id: string; readonly title: string }[] }>;
  };
}

type Connect = (token: string) => Promise<OnePasswordClient>;

/** Reads 1Password by `op://vault/item/field` with a service account. Throws `ERR_SECRETS_PROVIDER_FAILED`. */
export async function openOnePasswordStore(
  env: Environment,
  {
    connect = connectWithSdk,
    signal,
  }: { readonly connect?: Connect; readonly signal?: AbortSignal | undefined } = {},
): Promise<SecretsStore> {
  const token = env['OP_SERVICE_ACCOUNT_TOKEN'] ?? '';
  if (token === '') throw failed('OP_SERVICE_ACCOUNT_TOKEN is not set');
  keepSecret(token);
  const ask = async <T>(
    what: string,
    pending: Promise<T>,
    timeoutMs = REQUEST_TIMEOUT_MS,
    explain: (why: string) => ThvError | undefined = () => undefined,
  ) => {
    try {
      return await answerInTime(pending, { timeoutMs, signal });
    } catch (error) {
      signal?.throwIfAborted();
      const why = messageOf(error).replaceAll(token, '[secret]');
      throw explain(why) ?? failed(`${what}: ${why}`, error);
    }
  };
  const client = await ask('error creating 1Password client', connect(token), CONNECT_TIMEOUT_MS);
  return {
    type: '1password',
    capabilities: { canRead: true, canWrite: false, canDelete: false, canList: true, canCleanup: false },
    async get(name) {
      if (!name.includes(SCHEME))
        throw new ThvError('ERR_SECRET_NAME_INVALID', {
          secret: name,
          reason: `invalid secret path: ${name}`,
        });
      return await ask('error resolving secret', client.secrets.resolve(name), REQUEST_TIMEOUT_MS, (why) =>
        // The client's own errors have no codes.
        /not found|does not exist/i.test(why) ? notFound(name) : undefined,
      );
    },
    ...readOnly('1password'),
    list: () => ask('error listing secrets', listFields(client)),
  };
}

async function listFields({ vaults, items }: OnePasswordClient): Promise<readonly SecretEntry[]> {
  const entries: SecretEntry[] = [];
  for (const vault of await vaults.list()) {
    for (const item of await items.list(vault.id)) {
      const { fields } = await items.get(vault.id, item.id);
      for (const field of fields) {
        entries.push({
          key: `${SCHEME}${vault.id}/${item.id}/${field.id}`,
          description: `${vault.title} :: ${item.title} :: ${field.title}`,
        });
      }
    }
  }
  return entries.sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** The SDK holds 14 MB of WebAssembly: loaded by those who use it. */
async function connectWithSdk(token: string): Promise<OnePasswordClient> {
  const { createClient } = await import('@1password/sdk');
  return createClient({ auth: token, integrationName: 'ToolHive', integrationVersion: 'v1.0.0' });
}

function failed(reason: string, cause?: unknown): ThvError {
  return new ThvError('ERR_SECRETS_PROVIDER_FAILED', { provider: '1password', reason }, { cause });
}
