import {
  type AuthzConfig,
  type AuthzDocument,
  openAuthorizer,
  parseAuthzConfig,
  parseAuthzFile,
  readAuthzFile,
} from '../authz/index.ts';
import { within } from '../errors/index.ts';
import { storedChain } from '../host/index.ts';
import { silentLogger } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';

/** Policies of a workload, as its document keeps them (spec 05 §9, §19). */
export interface StoredAuthorization {
  readonly document: AuthzDocument;
  /** Where they were read; '' when that is not known. */
  readonly path: string;
}

/**
 * Reads `--authz-config`, policies and entities included, so that a mistake in them fails the command and not the workload
 * (spec 05 §20-13). Throws `ERR_AUTHZ_INVALID`, `ERR_FILE_UNREADABLE`.
 */
export async function readAuthorization(path: string): Promise<StoredAuthorization> {
  return within(
    `failed to apply run config option: failed to load authorization config from ${JSON.stringify(path)}`,
    async () => {
      const config = await parseAuthzFile(await readAuthzFile(path));
      await checkPolicies(config);
      return { document: config.document, path };
    },
  );
}

/** The policies that a stored workload keeps while it is given other settings that do not name any. */
export function authorizationOf(config: RunConfig | undefined): StoredAuthorization | undefined {
  const { authz_config: document, authz_config_path: path = '' } = config ?? {};
  return document ? { document, path } : undefined;
}

/** Policies of a document from elsewhere. Throws what `readAuthorization` throws. */
export async function checkAuthorization(config: RunConfig): Promise<void> {
  const entry = storedChain(config).find(({ type }) => type === 'authorization');
  if (entry === undefined) return;
  await within('failed to load authorization config', async () => {
    const { config_data: data, config_path: path } = entry.parameters as {
      readonly config_data?: unknown;
      readonly config_path?: unknown;
    };
    const parsed = data
      ? parseAuthzConfig(data)
      : await parseAuthzFile(await readAuthzFile(String(path ?? '')));
    await checkPolicies(parsed);
  });
}

async function checkPolicies(config: AuthzConfig): Promise<void> {
  (await openAuthorizer(config, { workload: '', env: {}, log: silentLogger }))[Symbol.dispose]();
}
