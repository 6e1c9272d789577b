import type { ApplicationConfig } from '../config/index.ts';

/** How one logs in at a registry: `registry_auth` of the configuration (spec 08 §6.4). */
export interface LoginSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** '' for none. */
  readonly audience: string;
  readonly callbackPort: number;
}

export const DEFAULT_SCOPES = ['openid', 'offline_access'];
export const CALLBACK_PORT = 8666;

/** `undefined` where no login is set up. */
export function loginOf({ registry_auth: auth }: ApplicationConfig): LoginSettings | undefined {
  const oauth = auth?.oauth;
  if (auth?.type !== 'oauth' || !oauth?.issuer || !oauth.client_id) return undefined;
  return {
    issuer: oauth.issuer,
    clientId: oauth.client_id,
    scopes: oauth.scopes ?? DEFAULT_SCOPES,
    audience: oauth.audience ?? '',
    callbackPort: oauth.callback_port || CALLBACK_PORT,
  };
}

/** As it is written; what was noted of tokens is not taken over. */
export function loginToConfig(
  login: Omit<LoginSettings, 'callbackPort'>,
): ApplicationConfig['registry_auth'] {
  return {
    type: 'oauth',
    oauth: {
      issuer: login.issuer,
      client_id: login.clientId,
      scopes: [...login.scopes],
      ...(login.audience === '' ? {} : { audience: login.audience }),
      callback_port: CALLBACK_PORT,
    },
  };
}
