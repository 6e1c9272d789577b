import * as v from 'valibot';
import { named } from './names.ts';

const Text = v.optional(v.string(), '');

const AuthConfig = named(
  'pkg_api_v1.registryAuthConfig',
  v.object({
    issuer: v.string(),
    client_id: v.string(),
    audience: v.optional(v.string()),
    scopes: v.optional(v.array(v.string())),
  }),
);

const info = {
  name: v.string(),
  version: v.string(),
  last_updated: v.string(),
  server_count: v.pipe(v.number(), v.description('Container servers only')),
  type: v.picklist(['default', 'file', 'url', 'api']),
  source: v.string(),
  auth_status: v.picklist(['none', 'configured', 'authenticated']),
  auth_type: v.string(),
  auth_config: v.optional(AuthConfig),
};

const RegistryInfo = named('pkg_api_v1.registryInfo', v.object(info));

export const RegistryList = named(
  'pkg_api_v1.registryListResponse',
  v.object({ registries: v.array(RegistryInfo) }),
);

/** Only what both kinds of entries always have is declared; the other members pass as they are (spec 08 §2). */
const ContainerServer = named(
  'registry.ImageMetadata',
  v.looseObject({ name: v.string(), image: v.string() }),
);
const RemoteServer = named(
  'registry.RemoteServerMetadata',
  v.looseObject({ name: v.string(), url: v.string() }),
);

export const RegistryDetails = named(
  'pkg_api_v1.getRegistryResponse',
  v.object({
    ...info,
    registry: v.object({
      version: v.string(),
      last_updated: v.string(),
      servers: v.record(v.string(), ContainerServer),
      remote_servers: v.optional(v.record(v.string(), RemoteServer)),
    }),
  }),
);

export const ServerList = named(
  'pkg_api_v1.listServersResponse',
  v.object({ servers: v.array(ContainerServer), remote_servers: v.optional(v.array(RemoteServer)) }),
);

export const ServerDetails = named(
  'pkg_api_v1.getServerResponse',
  v.object({
    server: v.optional(ContainerServer),
    remote_server: v.optional(RemoteServer),
    is_remote: v.boolean(),
  }),
);

const RegistryAuthRequest = named(
  'pkg_api_v1.UpdateRegistryAuthRequest',
  v.object({
    issuer: Text,
    client_id: Text,
    audience: Text,
    scopes: v.optional(v.array(v.string()), []),
  }),
);

export const UpdateRegistry = named(
  'pkg_api_v1.UpdateRegistryRequest',
  v.object({
    url: Text,
    api_url: Text,
    local_path: Text,
    allow_private_ip: v.optional(v.boolean(), false),
    auth: v.optional(RegistryAuthRequest),
  }),
);

export const RegistryUpdated = named(
  'pkg_api_v1.UpdateRegistryResponse',
  v.object({ type: v.picklist(['default', 'file', 'url', 'api']) }),
);

export const RegistryStatus = named('pkg_api_v1.registryStatusResponse', v.object({ status: v.string() }));

export const RegistryError = named(
  'pkg_api_v1.registryErrorResponse',
  v.object({ code: v.string(), message: v.string() }),
);

/** A server document of the upstream registry (spec 08 §3). */
export const UpstreamServer = named(
  'v0.ServerJSON',
  v.looseObject({ $schema: v.string(), name: v.string(), description: v.string(), version: v.string() }),
);

const PaginationMetadata = named(
  'pkg_api_v1.paginationV01Metadata',
  v.object({ total: v.number(), page: v.number(), limit: v.number() }),
);

export const UpstreamServers = named(
  'pkg_api_v1.serversV01Response',
  v.object({ servers: v.array(UpstreamServer), metadata: PaginationMetadata }),
);
