import * as v from 'valibot';
import { named } from './names.ts';

const Text = v.optional(v.string(), '');

export const SetupSecrets = named(
  'pkg_api_v1.setupSecretsRequest',
  v.object({ provider_type: Text, password: Text }),
);

export const SecretsSetUp = named(
  'pkg_api_v1.setupSecretsResponse',
  v.object({ provider_type: v.string(), message: v.string() }),
);

const ProviderCapabilities = named(
  'pkg_api_v1.providerCapabilitiesResponse',
  v.object({
    can_read: v.boolean(),
    can_write: v.boolean(),
    can_delete: v.boolean(),
    can_list: v.boolean(),
    can_cleanup: v.boolean(),
  }),
);

export const SecretsProvider = named(
  'pkg_api_v1.getSecretsProviderResponse',
  v.object({ name: v.string(), provider_type: v.string(), capabilities: ProviderCapabilities }),
);

const SecretKey = named(
  'pkg_api_v1.secretKeyResponse',
  v.object({ key: v.string(), description: v.optional(v.string()) }),
);

export const SecretKeys = named('pkg_api_v1.listSecretsResponse', v.object({ keys: v.array(SecretKey) }));

export const CreateSecret = named('pkg_api_v1.createSecretRequest', v.object({ key: Text, value: Text }));

export const UpdateSecret = named('pkg_api_v1.updateSecretRequest', v.object({ value: Text }));

const written = { key: v.string(), message: v.string() };
export const SecretCreated = named('pkg_api_v1.createSecretResponse', v.object(written));
export const SecretUpdated = named('pkg_api_v1.updateSecretResponse', v.object(written));
