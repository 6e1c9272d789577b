import * as v from 'valibot';
import type { OptionsOf } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import type { GivenTokenExchange } from '../workloads/index.ts';

const Text = v.optional(v.string(), '');

/** How the server is shown a token of its own in place of the caller's (spec 05 §8.1). */
export const tokenExchangeFlags = {
  'token-exchange-url': {
    kind: 'string',
    help: "Token endpoint (RFC 8693) where callers' tokens are exchanged for the server's",
    schema: Text,
  },
  'token-exchange-client-id': {
    kind: 'string',
    help: 'OAuth client ID for the token exchange',
    schema: Text,
  },
  'token-exchange-client-secret': {
    kind: 'string',
    help: 'OAuth client secret for the token exchange (better: a file, or TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET)',
    schema: Text,
  },
  'token-exchange-client-secret-file': {
    kind: 'string',
    help: 'File with the OAuth client secret for the token exchange',
    schema: Text,
  },
  'token-exchange-audience': { kind: 'string', help: 'Audience of the exchanged tokens', schema: Text },
  'token-exchange-scopes': {
    kind: 'strings',
    help: 'Scopes of the exchanged tokens',
    schema: v.optional(v.array(v.string()), []),
  },
  'token-exchange-subject-token-type': {
    kind: 'string',
    help: "Type of the callers' tokens: access_token (default), id_token or jwt",
    schema: Text,
  },
  'token-exchange-header-name': {
    kind: 'string',
    help: 'Header for the exchanged tokens (default: they take the place of Authorization)',
    schema: Text,
  },
} as const;

type Options = OptionsOf<typeof tokenExchangeFlags>;

/** What the flags ask for. Throws `ERR_FLAG_INVALID` when the URL is missing beside others. */
export function tokenExchangeOf(
  options: Options,
  env: Readonly<Record<string, string | undefined>>,
): GivenTokenExchange | undefined {
  const { tokenExchangeUrl: url, tokenExchangeHeaderName: header } = options;
  if (url === '') {
    if (!isAnyGiven(options)) return undefined;
    throw new ThvError('ERR_FLAG_INVALID', {
      flag: 'token-exchange-url',
      reason: 'the --token-exchange flags need --token-exchange-url',
    });
  }
  return {
    clientSecretFile: options.tokenExchangeClientSecretFile,
    config: {
      token_url: url,
      client_id: options.tokenExchangeClientId,
      client_secret:
        options.tokenExchangeClientSecret ||
        (options.tokenExchangeClientSecretFile === ''
          ? (env['TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET'] ?? '')
          : ''),
      audience: options.tokenExchangeAudience,
      ...(options.tokenExchangeScopes.length === 0 ? {} : { scopes: options.tokenExchangeScopes }),
      ...(options.tokenExchangeSubjectTokenType === ''
        ? {}
        : { subject_token_type: options.tokenExchangeSubjectTokenType }),
      header_strategy: header === '' ? 'replace' : 'custom',
      ...(header === '' ? {} : { external_token_header_name: header }),
    },
  };
}

function isAnyGiven(options: Options): boolean {
  return Object.keys(tokenExchangeFlags)
    .map((flag) => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()))
    .some((name) => options[name as keyof Options].length > 0);
}
