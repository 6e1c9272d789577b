import { ThvError } from '../errors/index.ts';
import { kindOf, type RunConfig } from '../records/index.ts';
import { checkRemote } from './remote-settings.ts';

/** Keys of a document that protect something; one that is set and not enforced would be a silent hole. */
const PROTECTIONS = ['upstream_swap_config', 'aws_sts_config', 'embedded_auth_server_config'] as const;

/** Throws `ERR_RUN_CONFIG_INVALID` for a document that asks for what this version cannot give it. */
export function refuseUnsupported(config: RunConfig): void {
  const kinded = kindOf(config);
  if (kinded.kind === 'remote') checkRemote(kinded.config);
  const values: Readonly<Record<string, unknown>> = { ...config };
  const asked = PROTECTIONS.filter((key) => !isUnset(values[key]));
  if (asked.length === 0) return;
  throw new ThvError(
    'ERR_RUN_CONFIG_INVALID',
    { reason: `this version of thv cannot enforce what the run configuration asks for: ${asked.join(', ')}` },
    { hint: 'remove these keys from the file only if the server may run without them' },
  );
}

/** Empty in every sense; an OIDC block whose fields are all empty asks for nothing. */
function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.values(value).every(isUnset);
}
