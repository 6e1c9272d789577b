import { ThvError, within } from '../errors/index.ts';
import { headerNameProblem, headerRestriction, headerValueProblem } from '../middleware/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';

/** Throws `ERR_RUN_CONFIG_INVALID` for a header that must not or cannot be forwarded (spec 06 §14); the error shows no value. */
export function checkHeaderForward({ header_forward }: Pick<RunConfig, 'header_forward'>): void {
  const plain = header_forward?.add_plaintext_headers ?? {};
  const fromSecrets = header_forward?.add_headers_from_secret ?? {};
  const problems = [...Object.keys(plain), ...Object.keys(fromSecrets)].flatMap((name) => {
    const problem = headerNameProblem(name);
    return problem === undefined
      ? (headerRestriction(name) ?? [])
      : `invalid header name ${JSON.stringify(name)}: ${problem}`;
  });
  for (const [name, value] of Object.entries(plain)) {
    const problem = headerValueProblem(value);
    if (problem !== undefined) problems.push(`invalid header value for ${JSON.stringify(name)}: ${problem}`);
  }
  if (problems.length > 0)
    throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: `header_forward: ${problems.join('; ')}` });
}

/**
 * The headers that a document adds to every request to its remote server, with their values; a secret comes after a plain
 * header of its name, and so wins over it. Throws `ERR_SECRET_NOT_FOUND`, what a store throws, and `ERR_INPUT_INVALID` for a
 * secret that no header can hold.
 */
export async function resolveForwardHeaders(
  { header_forward }: Pick<RunConfig, 'header_forward'>,
  openSecrets: () => Promise<SecretsStore>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = { ...header_forward?.add_plaintext_headers };
  const secrets = Object.entries(header_forward?.add_headers_from_secret ?? {});
  if (secrets.length === 0) return headers;
  const { resolveSecretParameters } = await import('../secrets/index.ts');
  let store: SecretsStore | undefined;
  for (const [header, secret] of secrets) {
    const value = await within(`failed to resolve header secret "${secret}"`, async () => {
      store ??= await openSecrets();
      const { value: found = '' } = await resolveSecretParameters([`${secret},target=value`], store, {
        signal,
      });
      const problem = headerValueProblem(found);
      if (problem === undefined) return found;
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `its value cannot be sent in header ${JSON.stringify(header)}: ${problem}`,
      });
    });
    // Names match in any case: the plain one would otherwise come later.
    for (const name of Object.keys(headers)) {
      if (name.toLowerCase() === header.toLowerCase()) delete headers[name];
    }
    headers[header] = value;
  }
  return headers;
}
