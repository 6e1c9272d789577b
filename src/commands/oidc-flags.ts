import * as v from 'valibot';
import type { OptionsOf } from '../cli/index.ts';
import type { OidcSettings } from '../oidc/index.ts';

const Text = v.optional(v.string(), '');
const Switch = v.optional(v.boolean(), false);

/** How tokens of incoming requests are checked: the same for the API server and for workloads (spec 05 §2). */
export const oidcFlags = {
  'oidc-issuer': {
    kind: 'string',
    help: 'OIDC issuer URL (e.g., https://accounts.google.com)',
    schema: Text,
  },
  'oidc-audience': { kind: 'string', help: 'Expected audience for the token', schema: Text },
  'oidc-jwks-url': { kind: 'string', help: 'URL to fetch the JWKS from', schema: Text },
  'oidc-introspection-url': {
    kind: 'string',
    help: 'URL of the token introspection endpoint, for opaque tokens',
    schema: Text,
  },
  'oidc-client-id': { kind: 'string', help: 'OIDC client ID, for introspection', schema: Text },
  'oidc-client-secret': {
    kind: 'string',
    help: 'OIDC client secret, for introspection (better: TOOLHIVE_OIDC_CLIENT_SECRET, which no process list shows)',
    schema: Text,
  },
  'oidc-scopes': {
    kind: 'strings',
    help: 'OAuth scopes to advertise in the protected resource metadata (default: openid)',
    schema: v.optional(v.array(v.string()), []),
  },
  'thv-ca-bundle': {
    kind: 'string',
    help: 'PEM file with the certificate authorities to trust for OIDC, instead of the system ones',
    schema: Text,
  },
  'jwks-auth-token-file': {
    kind: 'string',
    help: 'File with a bearer token to send to the OIDC provider',
    schema: Text,
  },
  'jwks-allow-private-ip': {
    kind: 'bool',
    help: 'Allow OIDC endpoints on private IP addresses',
    schema: Switch,
  },
  'oidc-insecure-allow-http': {
    kind: 'bool',
    help: 'Allow OIDC endpoints over plain HTTP (for development)',
    schema: Switch,
  },
} as const;

/** What the flags and `TOOLHIVE_OIDC_CLIENT_SECRET` say. */
export function oidcSettings(
  options: OptionsOf<typeof oidcFlags>,
  env: Readonly<Record<string, string | undefined>>,
): OidcSettings {
  // The variable may be set for other programs of the shell: alone it asks for nothing.
  const usesClient = options.oidcClientId !== '' || options.oidcIntrospectionUrl !== '';
  const secretInEnvironment = usesClient ? (env['TOOLHIVE_OIDC_CLIENT_SECRET'] ?? '') : '';
  return {
    issuer: options.oidcIssuer,
    audience: options.oidcAudience,
    jwksUrl: options.oidcJwksUrl,
    introspectionUrl: options.oidcIntrospectionUrl,
    clientId: options.oidcClientId,
    clientSecret: options.oidcClientSecret || secretInEnvironment,
    scopes: options.oidcScopes,
    caBundle: options.thvCaBundle,
    authTokenFile: options.jwksAuthTokenFile,
    allowPrivateAddresses: options.jwksAllowPrivateIp,
    allowHttp: options.oidcInsecureAllowHttp,
  };
}
