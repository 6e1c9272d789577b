import * as v from 'valibot';
import { named } from './names.ts';

const Texts = v.optional(v.array(v.string()), []);

export const RegisteredClients = named(
  'pkg_api_v1.clientListResponse',
  v.array(v.object({ name: v.string(), groups: v.array(v.string()) })),
);

export const CreateClient = named(
  'pkg_api_v1.createClientRequest',
  v.object({ name: v.optional(v.string(), ''), groups: Texts }),
);

export const CreatedClient = named(
  'pkg_api_v1.createClientResponse',
  v.object({ name: v.string(), groups: v.optional(v.array(v.string())) }),
);

export const CreatedClients = named('pkg_api_v1.bulkClientResponse', v.array(CreatedClient));

export const BulkClients = named('pkg_api_v1.bulkClientRequest', v.object({ names: Texts, groups: Texts }));

const ClientAppStatus = named(
  'github_com_stacklok_toolhive_pkg_client.ClientAppStatus',
  v.object({
    client_type: v.string(),
    installed: v.boolean(),
    registered: v.boolean(),
    supports_skills: v.boolean(),
    supports_plugins: v.boolean(),
  }),
);

export const ClientStatuses = named(
  'pkg_api_v1.clientStatusResponse',
  v.object({ clients: v.array(ClientAppStatus) }),
);
