/** Names of `secrets.provider_type` and `TOOLHIVE_SECRETS_PROVIDER`; `none` is met in old files only (spec 09 §5.1). */
export const PROVIDER_TYPES = ['encrypted', '1password', 'environment', 'exec'] as const;
export type ProviderType = (typeof PROVIDER_TYPES)[number];

interface SecretsCapabilities {
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly canDelete: boolean;
  readonly canList: boolean;
  readonly canCleanup: boolean;
}

export interface SecretEntry {
  readonly key: string;
  readonly description?: string;
}

/** Where secrets are. Nothing of a value ever stands in an error. */
export interface SecretsStore {
  readonly type: ProviderType | 'none';
  readonly capabilities: SecretsCapabilities;
  /** Throws `ERR_SECRET_NOT_FOUND`, `ERR_SECRET_NAME_INVALID`. */
  get(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<string>;
  /** Creates or replaces. Throws `ERR_SECRETS_UNSUPPORTED`. */
  set(name: string, value: string): Promise<void>;
  /** Throws `ERR_SECRET_NOT_FOUND`, `ERR_SECRETS_UNSUPPORTED`. */
  delete(name: string): Promise<void>;
  /** Sorted by key. Throws `ERR_SECRETS_UNSUPPORTED`. */
  list(): Promise<readonly SecretEntry[]>;
}

export type Environment = Readonly<Record<string, string | undefined>>;
