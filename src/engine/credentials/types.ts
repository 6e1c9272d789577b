/** What a registry accepts: a name with its password, or a token to be exchanged (OAuth2 refresh token). */
export type RegistryCredentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly identityToken: string };

export type Environment = Readonly<Record<string, string | undefined>>;
