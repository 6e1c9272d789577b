import { ThvError } from '../errors/index.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from '../middleware/index.ts';
import type { RunRequest } from '../workloads/index.ts';
import type { UpdateRequest } from './schemas/workload-request.ts';

/** Headers for a remote server, in the form the service takes them. Throws `ERR_INPUT_INVALID` with the texts of spec 10 §11.2. */
export function forwardHeadersOf(
  { header_forward: given }: Pick<UpdateRequest, 'header_forward'>,
  prefix: string,
): Pick<RunRequest, 'forwardHeaders' | 'forwardHeaderSecrets'> {
  const invalid = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason: `${prefix}: ${reason}` });
  const check = (name: string) => {
    if (name === '') throw invalid('header name cannot be empty');
    const problem = headerNameProblem(name);
    if (problem !== undefined) throw invalid(`invalid header name "${name}": ${problem}`);
    const restriction = headerRestriction(name);
    if (restriction !== undefined) throw invalid(restriction);
  };
  return {
    forwardHeaders: Object.entries(given?.add_plaintext_headers ?? {}).map(([name, value]) => {
      check(name);
      const problem = headerValueProblem(value);
      if (problem !== undefined) throw invalid(`invalid header value for "${name}": ${problem}`);
      return `${name}=${value}`;
    }),
    forwardHeaderSecrets: Object.entries(given?.add_headers_from_secret ?? {}).map(([name, secret]) => {
      check(name);
      return `${name}=${secret}`;
    }),
  };
}
