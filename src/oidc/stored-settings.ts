import type { OidcConfig } from '../records/index.ts';
import type { OidcSettings } from './settings.ts';

/** Settings as a document has them; `clientSecret` is the value behind its reference. */
export function settingsFrom(config: OidcConfig, clientSecret: string): OidcSettings {
  return {
    issuer: config.Issuer,
    audience: config.Audience,
    jwksUrl: config.JWKSURL,
    introspectionUrl: config.IntrospectionURL,
    clientId: config.ClientID,
    clientSecret,
    scopes: config.Scopes ?? [],
    caBundle: config.CACertPath,
    authTokenFile: config.AuthTokenFile,
    allowPrivateAddresses: config.AllowPrivateIP,
    allowHttp: config.InsecureAllowHTTP,
  };
}

/** Settings as a document has them, in the order of spec 02 §1.4. */
export function storedFrom(settings: OidcSettings, resourceUrl: string): OidcConfig {
  return {
    Issuer: settings.issuer,
    Audience: settings.audience,
    JWKSURL: settings.jwksUrl,
    ClientID: settings.clientId,
    ClientSecret: settings.clientSecret,
    CACertPath: settings.caBundle,
    AuthTokenFile: settings.authTokenFile,
    AllowPrivateIP: settings.allowPrivateAddresses,
    InsecureAllowHTTP: settings.allowHttp,
    IntrospectionURL: settings.introspectionUrl,
    ResourceURL: resourceUrl,
    Scopes: settings.scopes.length === 0 ? null : [...settings.scopes],
  };
}
