import * as v from 'valibot';
import {
  type AuthzConfig,
  type AuthzDocument,
  openAuthorizer,
  parseAuthzConfig,
  parseAuthzFile,
  readAuthzFile,
} from '../authz/index.ts';
import { within } from '../errors/index.ts';
import { effectiveChain } from '../host/index.ts';
import { silentLogger } from '../platform/index.ts';
import { parseWorkloadName, type RunConfig } from '../records/index.ts';
import type { Context } from './context.ts';

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

/** Checks the policies of a document from elsewhere. Throws what `readAuthorization` throws. */
export async function checkAuthorization(config: RunConfig): Promise<void> {
  await within('failed to load authorization config', async () => {
    const policies = await policiesIn(config);
    if (policies !== undefined) await checkPolicies(policies);
  });
}

/** The policies of a stored workload. */
export async function policiesOf(
  { runConfigs }: Pick<Context, 'runConfigs'>,
  name: string,
): Promise<AuthzConfig | undefined> {
  return policiesIn(await runConfigs.get(parseWorkloadName(name)));
}

const Parameters = v.looseObject({
  config_data: v.nullish(v.looseObject({})),
  config_path: v.nullish(v.string(), ''),
});

async function policiesIn(config: RunConfig): Promise<AuthzConfig | undefined> {
  const entry = effectiveChain(config).find(({ type }) => type === 'authorization');
  if (entry === undefined) return undefined;
  const { config_data: data, config_path: path } = v.parse(Parameters, entry.parameters ?? {});
  return data ? parseAuthzConfig(data) : parseAuthzFile(await readAuthzFile(path));
}

async function checkPolicies(config: AuthzConfig): Promise<void> {
  (await openAuthorizer(config, { workload: '', env: {}, log: silentLogger }))[Symbol.dispose]();
}
