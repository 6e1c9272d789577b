import { readFileSync } from 'node:fs';
import { ThvError } from '../errors/index.ts';
import { isLoopbackHost, proxyFor } from '../net/index.ts';
import type { Logger } from '../platform/index.ts';
import { type RunConfig, remoteUrlProblem } from '../records/index.ts';
import type { RunEnvironment } from './environment.ts';
import { checkHeaderForward } from './forward-headers.ts';

/** Keys of `remote_auth_config` that ask us to sign in, in both spellings (spec 02 §1.3). */
const SIGN_IN = [
  'client_id',
  'client_secret',
  'client_secret_file',
  'issuer',
  'authorize_url',
  'token_url',
  'bearer_token',
  'bearer_token_file',
  'cached_refresh_token_ref',
  'cached_client_id',
  'cached_cimd_client_id',
  'ClientID',
  'ClientSecret',
  'ClientSecretFile',
  'Issuer',
  'AuthorizeURL',
  'TokenURL',
  'BearerToken',
  'BearerTokenFile',
];

/**
 * Checks what a document says of its remote server. Throws `ERR_RUN_CONFIG_INVALID` for a URL that cannot be used, a
 * transport that no remote server has, headers that cannot be forwarded, and a sign-in, which is not to be left out in
 * silence.
 */
export function checkRemote(config: RunConfig & { readonly remote_url: string }): void {
  const problem = remoteUrlProblem(config.remote_url);
  if (problem !== undefined) throw invalid(problem);
  if (config.transport === 'stdio') throw invalid(STDIO_REFUSED);
  checkHeaderForward(config);
  const asked = SIGN_IN.filter((key) => config.remote_auth_config?.[key]);
  if (asked.length === 0) return;
  throw new ThvError(
    'ERR_RUN_CONFIG_INVALID',
    {
      reason: `this version of thv cannot sign in to a remote server as the run configuration asks for: remote_auth_config.${asked.join(', remote_auth_config.')}`,
    },
    { hint: 'remove these keys, and give a token with header_forward.add_headers_from_secret' },
  );
}

export const STDIO_REFUSED =
  'invalid transport mode: stdio. Valid modes of a remote server are: sse, streamable-http';

/** `HTTPS_PROXY` and the like, which never concern this machine itself. */
export function forwardProxyFor(remoteUrl: string, environment: RunEnvironment): string | undefined {
  const url = new URL(remoteUrl);
  return isLoopbackHost(url.hostname) ? undefined : proxyFor(url, environment);
}

/**
 * The certificates to trust for a remote server, in PEM, where the shell of the run names others than this process was started
 * with; `undefined` for those that this process trusts anyway. The runtime itself reads the variable at its start only.
 */
export function certificatesFor(environment: RunEnvironment, log: Logger): readonly string[] | undefined {
  const path = environment[EXTRA_CERTIFICATES] ?? '';
  if (path === (process.env[EXTRA_CERTIFICATES] ?? '')) return undefined;
  // Loaded here, because most hosts never need the list: it is large.
  const { rootCertificates } = require('node:tls') as typeof import('node:tls');
  if (path === '') return rootCertificates;
  try {
    return [...rootCertificates, readFileSync(path, 'utf8')];
  } catch (error) {
    log.warn('ignoring extra certificates that cannot be read', {
      variable: EXTRA_CERTIFICATES,
      path,
      error,
    });
    return rootCertificates;
  }
}

const EXTRA_CERTIFICATES = 'NODE_EXTRA_CA_CERTS';

/** Whether remote servers are health-checked, which the user has to switch on (spec 04 §9.1). */
export function watchesRemotes(environment: RunEnvironment, log: Logger): boolean {
  const value = environment['TOOLHIVE_REMOTE_HEALTHCHECKS'] ?? '';
  if (value === '1' || value.toLowerCase() === 'true') return true;
  if (value !== '' && value !== '0' && value.toLowerCase() !== 'false')
    log.warn('ignoring an environment variable that is neither true nor false', {
      variable: 'TOOLHIVE_REMOTE_HEALTHCHECKS',
      value,
    });
  return false;
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_RUN_CONFIG_INVALID', { reason });
}
