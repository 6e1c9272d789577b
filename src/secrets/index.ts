export { migrateSecretScopes } from './migrate.ts';
export { openSecretsStore, parseProviderType } from './open.ts';
export { resolveSecretParameters } from './parameters.ts';
export { resetKeyring } from './password.ts';
export { setUpSecrets } from './set-up.ts';
export {
  PROVIDER_TYPES,
  type ProviderType,
  type SecretEntry,
  type SecretsStore,
} from './types.ts';
export { isReservedName, scopedSecrets, scopeOf, userSecrets } from './views.ts';
