import { ThvError } from '../errors/index.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from '../middleware/index.ts';
import { headerSecretProblem, headersByName, type RemoteSettings } from '../workloads/index.ts';
import type { UpdateRequest } from './schemas/workload-request.ts';

/** Headers for a remote server. Throws `ERR_INPUT_INVALID` with the texts of spec 10 §11.2. */
export function forwardHeadersOf(
  { header_forward: given }: Pick<UpdateRequest, 'header_forward'>,
  prefix: string,
): Pick<RemoteSettings, 'headers' | 'headerSecrets'> {
  const invalid = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason: `${prefix}: ${reason}` });
  const check = (name: string) => {
    if (name === '') throw invalid('header name cannot be empty');
    const problem = headerNameProblem(name);
    if (problem !== undefined) throw invalid(`invalid header name "${name}": ${problem}`);
    const restriction = headerRestriction(name);
    if (restriction !== undefined) throw invalid(restriction);
  };
  const headers = Object.entries(given?.add_plaintext_headers ?? {});
  for (const [name, value] of headers) {
    check(name);
    const problem = headerValueProblem(value);
    if (problem !== undefined) throw invalid(`invalid header value for "${name}": ${problem}`);
  }
  const secrets = Object.entries(given?.add_headers_from_secret ?? {}).map(
    ([name, secret]) => [name, secret.trim()] as const,
  );
  for (const [name, secret] of secrets) {
    check(name);
    const problem = headerSecretProblem(secret);
    if (problem !== undefined) throw invalid(`invalid secret header "${name}": ${problem}`);
  }
  return { headers: headersByName(headers), headerSecrets: headersByName(secrets) };
}
