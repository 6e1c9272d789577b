import * as v from 'valibot';
import { isLoopbackHost } from '../../net/index.ts';
import { headerNameProblem, headerRestriction } from '../header-forward/forwarded-header.ts';

/** How tokens of callers are exchanged for tokens of the server (RFC 8693), as documents store it (spec 05 §8.1). */

const TYPE_PREFIX = 'urn:ietf:params:oauth:token-type:';
const SHORT_TYPES = ['access_token', 'id_token', 'jwt'] as const;

const Text = v.nullish(v.string(), '');

const TokenUrl = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed && tokenUrlProblem(dataset.value);
    if (problem) addIssue({ message: problem });
  }),
);

const TokenType = v.pipe(
  Text,
  v.transform((text) => ((SHORT_TYPES as readonly string[]).includes(text) ? TYPE_PREFIX + text : text)),
  v.check(
    (text) => text === '' || SHORT_TYPES.some((type) => text === TYPE_PREFIX + type),
    ({ input }) =>
      `invalid subject token type: invalid token type ${JSON.stringify(input)}: must be one of: ${SHORT_TYPES.join(', ')}`,
  ),
);

const HeaderName = v.pipe(
  Text,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value === '') return;
    const problem = headerNameProblem(dataset.value) ?? headerRestriction(dataset.value);
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

export const TokenExchangeSchema = v.pipe(
  v.looseObject({
    token_url: TokenUrl,
    client_id: Text,
    /** `NAME,target=token_exchange_secret`, or the value where there is no secrets store. */
    client_secret: Text,
    audience: Text,
    scopes: v.nullish(v.array(v.string()), () => []),
    subject_token_type: TokenType,
    header_strategy: v.nullish(v.picklist(['', 'replace', 'custom']), ''),
    external_token_header_name: HeaderName,
  }),
  v.check(
    ({ header_strategy: strategy, external_token_header_name: name }) => strategy !== 'custom' || name !== '',
    "external_token_header_name must be specified when header_strategy is 'custom'",
  ),
);
export type TokenExchangeConfig = v.InferOutput<typeof TokenExchangeSchema>;

export const TOKEN_EXCHANGE_SECRET_TARGET = 'token_exchange_secret';

function tokenUrlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return `token URL is not a URL: ${text}`;
  if (url.username !== '' || url.password !== '') return 'token URL must not hold a login';
  if (url.protocol === 'https:') return undefined;
  const isNear = url.protocol === 'http:' && isLoopbackHost(url.hostname);
  return isNear ? undefined : `token URL must use HTTPS: ${text}`;
}
