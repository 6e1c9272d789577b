import * as v from 'valibot';
import type { RegistryAccess } from '../engine/index.ts';
import type { HttpClient } from '../net/index.ts';

const TOKEN_LIMIT_BYTES = 64 * 1024;
const TOKEN_TIMEOUT_MS = 10_000;
const Answer = v.object({ token: v.optional(v.string(), ''), access_token: v.optional(v.string(), '') });

interface TokenOptions {
  readonly http: HttpClient;
  readonly repository: string;
  readonly credentials: RegistryAccess['credentials'];
  readonly signal: AbortSignal | undefined;
}

/**
 * What a registry wants to see that asked who is there: the header `Authorization` for a challenge (RFC 7235 §4.1; Docker registry
 * token authentication). `undefined` for a challenge that cannot be met. Throws `ERR_HTTP` when the token service does not answer.
 */
export async function tokenFor(challenge: string, options: TokenOptions): Promise<string | undefined> {
  const { credentials } = options;
  const scheme = /^\s*(\w+)/.exec(challenge)?.[1]?.toLowerCase();
  if (scheme === 'basic') return credentials?.kind === 'password' ? basic(credentials) : undefined;
  if (scheme !== 'bearer') return undefined;
  const parameters = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const realm = parameters.get('realm');
  if (realm === undefined || !URL.canParse(realm)) return undefined;
  const token = await ask(new URL(realm), parameters.get('service') ?? '', options);
  return token === '' ? undefined : `Bearer ${token}`;
}

async function ask(
  realm: URL,
  service: string,
  { http, repository, credentials, signal }: TokenOptions,
): Promise<string> {
  const wanted = { service, scope: `repository:${repository}:pull` };
  const limits = { maxBytes: TOKEN_LIMIT_BYTES, timeoutMs: TOKEN_TIMEOUT_MS, redirects: 0, signal };
  if (credentials?.kind === 'identity-token') {
    const body = new URLSearchParams({
      ...wanted,
      grant_type: 'refresh_token',
      refresh_token: credentials.identityToken,
      client_id: 'thv',
    });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return read(await http.send(realm.href, { ...limits, method: 'POST', headers, body: body.toString() }));
  }
  for (const [name, value] of Object.entries(wanted)) realm.searchParams.set(name, value);
  const authorization = credentials === undefined ? {} : { Authorization: basic(credentials) };
  return read(await http.send(realm.href, { ...limits, credentials: authorization }));
}

function read({ status, body }: { readonly status: number; readonly body: string }): string {
  if (status !== 200) return '';
  try {
    const { token, access_token } = v.parse(Answer, JSON.parse(body));
    return token || access_token;
  } catch {
    return ''; // as good as no token: the registry's refusal is what the user reads
  }
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
