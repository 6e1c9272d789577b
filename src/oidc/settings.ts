import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, ThvError } from '../errors/index.ts';
import { isLoopbackHost } from '../net/index.ts';

/** How tokens of incoming requests are checked (spec 05 §2); empty texts are values that were not given. */
export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** RFC 7662 endpoint, or the one of Google or GitHub that does the same in its own way. */
  readonly introspectionUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What RFC 9728 metadata advertises; none given means `openid` there and nothing in challenges. */
  readonly scopes: readonly string[];
  /** PEM file that replaces the system's certificate authorities. */
  readonly caBundle: string;
  /** File with a bearer token for the provider's own endpoints. */
  readonly authTokenFile: string;
  readonly allowPrivateAddresses: boolean;
  readonly allowHttp: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing was said. */
export const NO_OIDC: OidcSettings = {
  issuer: '',
  audience: '',
  jwksUrl: '',
  introspectionUrl: '',
  clientId: '',
  clientSecret: '',
  scopes: [],
  caBundle: '',
  authTokenFile: '',
  allowPrivateAddresses: false,
  allowHttp: false,
};

export const GOOGLE_TOKENINFO_URL = 'https://oauth2.googleapis.com/tokeninfo';

/** Authentication is on when there is a way to check a token (spec 05 §2); the other settings alone mean nothing. */
export function isOidcOn(settings: Pick<OidcSettings, 'issuer' | 'jwksUrl' | 'introspectionUrl'>): boolean {
  return settings.issuer !== '' || settings.jwksUrl !== '' || settings.introspectionUrl !== '';
}

/** What can be wrong without asking the provider (spec 05 §4.1). Throws `ERR_OIDC_SETTINGS_INVALID`. */
export function checkOidcSettings(settings: OidcSettings, env: Environment): void {
  const refuse = (reason: string) => new ThvError('ERR_OIDC_SETTINGS_INVALID', { reason });
  if (!isOidcOn(settings))
    throw refuse('either issuer or JWKS URL must be provided (or an introspection URL)');
  for (const [name, text] of [
    ['issuer', settings.issuer],
    ['JWKS URL', settings.jwksUrl],
    ['introspection URL', settings.introspectionUrl],
  ] as const) {
    if (text !== '' && !isHttpUrl(text))
      throw refuse(`invalid ${name}: ${text} (an http or https URL is needed)`);
  }
  const scope = settings.scopes.find((each) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(each));
  if (scope !== undefined) throw refuse(`invalid OAuth scope: ${JSON.stringify(scope)}`);
  const needsTls = !settings.allowHttp && !isUrlValidationOff(env);
  for (const url of needsTls ? [settings.jwksUrl, settings.introspectionUrl] : []) {
    if (url !== '' && isExposed(url)) throw refuse(`invalid ${url}: endpoint must use HTTPS: ${url}`);
  }
  if (env['TOOLHIVE_SKIP_OIDC_DISCOVERY'] === 'true' && settings.issuer !== '' && settings.jwksUrl === '') {
    throw refuse('TOOLHIVE_SKIP_OIDC_DISCOVERY=true requires explicit JWKSURL in config');
  }
  if (settings.introspectionUrl === GOOGLE_TOKENINFO_URL && settings.audience.trim() === '') {
    throw refuse(
      "audience is required when using Google's tokeninfo endpoint: it accepts tokens made for anybody",
    );
  }
}

/** What is in the files that settings name. */
export interface OidcFiles {
  readonly ca: string | undefined;
  readonly authToken: string | undefined;
}

/** Reads the files that the settings name, once at start. Throws `ERR_FILE_UNREADABLE`. */
export async function readOidcFiles({ caBundle, authTokenFile }: OidcSettings): Promise<OidcFiles> {
  return {
    ca: caBundle === '' ? undefined : await readCaBundle(caBundle),
    authToken: authTokenFile === '' ? undefined : await readAuthToken(authTokenFile),
  };
}

/** Switches the rule off that everything goes over TLS, private addresses excepted (spec 05 §3). */
export function isUrlValidationOff(env: Environment): boolean {
  return env['INSECURE_DISABLE_URL_VALIDATION']?.toLowerCase() === 'true';
}

async function readCaBundle(path: string): Promise<string> {
  const pem = await readText(path, 'failed to read CA certificate bundle');
  const refuse = (why: string, cause?: unknown) =>
    new ThvError(
      'ERR_FILE_UNREADABLE',
      { path, reason: `failed to parse CA certificate bundle: ${path} ${why}` },
      { cause },
    );
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw refuse('holds no PEM certificate');
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw refuse(`has a certificate that cannot be read (number ${index + 1})`, error);
    }
  }
  return pem;
}

async function readAuthToken(path: string): Promise<string> {
  const token = (await readText(path, 'failed to read auth token file')).trim();
  if (token === '')
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason: `auth token file is empty: ${path}` });
  return token;
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = `${what}: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}

/** Plain HTTP beyond this machine (spec 05 §2). */
function isExposed(text: string): boolean {
  const url = new URL(text);
  return url.protocol === 'http:' && !isLoopbackHost(url.hostname);
}

/** The parser drops line ends, which must not get into headers and documents. */
function isHttpUrl(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
}
