import type { ApplicationConfig } from '../../config/index.ts';
import { createConfigStore } from '../../config/index.ts';
import {
  entryToJson,
  type Registry,
  type RegistryContent,
  type RegistryEntry,
  type RegistrySource,
} from '../../registry/index.ts';
import { describe } from '../docs/describe.ts';
import { jsonAnswer, textAnswer } from '../pipeline/respond.ts';
import { timeLimit, USUAL_LIMIT_MS } from '../pipeline/time-limit.ts';
import {
  RegistryDetails,
  RegistryError,
  RegistryList,
  RegistryStatus,
  ServerDetails,
  ServerList,
} from '../schemas/registry.ts';
import type { Api, RouteOptions } from '../types.ts';
import { readingRegistry } from './registry-answers.ts';

/** The only registry there is. */
export const DEFAULT_REGISTRY = 'default';
export const REGISTRY_NOT_FOUND = 'Registry not found';

const unreadable = {
  404: 'There is no such registry or server',
  502: { json: RegistryError, description: 'The registry sent an unreadable answer' },
  503: { json: RegistryError, description: 'The registry cannot be reached, or requires a login' },
};

/** Adds the routes that read the registry and its servers (spec 10 §16.1, §16.3). */
export function addRegistryRoutes(api: Api, { workloads, paths, logger }: RouteOptions): void {
  const limit = timeLimit(USUAL_LIMIT_MS);
  const config = createConfigStore(paths);
  const path = { name: '`default`' };
  const reading = (action: (registry: Registry) => Promise<Response>, otherwise = 'Failed to get registry') =>
    readingRegistry(() => workloads.registry(), action, { logger, otherwise });

  async function infoOf(registry: Registry, signal: AbortSignal) {
    const [source, content, current] = [
      await registry.source(),
      await registry.list({ signal }),
      await config.read(),
    ];
    return { info: toInfo(source, content, current), content };
  }

  api.get(
    '/api/v1beta/registry',
    describe({
      tag: 'registry',
      summary: 'List the registry in use',
      answers: { 200: { json: RegistryList, description: 'OK' }, 502: unreadable[502], 503: unreadable[503] },
    }),
    limit,
    (c) =>
      reading(async (registry) => {
        const { info } = await infoOf(registry, c.var.signal);
        return jsonAnswer({ registries: [info] });
      }),
  );

  api.get(
    '/api/v1beta/registry/:name',
    describe({
      tag: 'registry',
      summary: 'Get the registry with all its servers',
      path,
      answers: { 200: { json: RegistryDetails, description: 'OK' }, ...unreadable },
    }),
    limit,
    async (c) => {
      if (c.req.param('name') !== DEFAULT_REGISTRY) return textAnswer(404, REGISTRY_NOT_FOUND);
      return reading(async (registry) => {
        const { info, content } = await infoOf(registry, c.var.signal);
        return jsonAnswer({ ...info, registry: toLegacy(content) });
      });
    },
  );

  api.get(
    '/api/v1beta/registry/:name/servers',
    describe({
      tag: 'registry',
      summary: 'List the servers of the registry, sorted by name',
      path,
      answers: { 200: { json: ServerList, description: 'OK' }, ...unreadable },
    }),
    limit,
    async (c) => {
      if (c.req.param('name') !== DEFAULT_REGISTRY) return textAnswer(404, REGISTRY_NOT_FOUND);
      return reading(async (registry) => {
        const { entries } = await registry.list({ signal: c.var.signal });
        const remotes = ofKind(entries, 'remote').map(entryToJson);
        return jsonAnswer({
          servers: ofKind(entries, 'container').map(entryToJson),
          ...(remotes.length > 0 ? { remote_servers: remotes } : {}),
        });
      });
    },
  );

  api.get(
    '/api/v1beta/registry/:name/servers/:serverName',
    describe({
      tag: 'registry',
      summary: 'Get a server of the registry',
      path: { ...path, serverName: 'Full name, percent-encoded, or its last part when that is unique' },
      answers: { 200: { json: ServerDetails, description: 'OK' }, 404: unreadable[404] },
    }),
    limit,
    async (c) => {
      if (c.req.param('name') !== DEFAULT_REGISTRY) return textAnswer(404, REGISTRY_NOT_FOUND);
      try {
        const registry = await workloads.registry();
        const entry = await registry.find(c.req.param('serverName'), { signal: c.var.signal });
        const shown = entryToJson(entry);
        return jsonAnswer(
          entry.kind === 'remote'
            ? { remote_server: shown, is_remote: true }
            : { server: shown, is_remote: false },
        );
      } catch {
        return textAnswer(404, 'Server not found'); // whatever kept it from being found (spec 10 §16.1)
      }
    },
  );

  api.post(
    '/api/v1beta/registry/:name/refresh',
    describe({
      tag: 'registry',
      summary: 'Refresh the registry',
      path,
      answers: { 200: { json: RegistryStatus, description: 'OK' }, ...unreadable },
    }),
    limit,
    async (c) => {
      if (c.req.param('name') !== DEFAULT_REGISTRY) return textAnswer(404, REGISTRY_NOT_FOUND);
      return reading(async (registry) => {
        await registry.list({ refresh: true, signal: c.var.signal });
        return jsonAnswer({ status: 'refreshed' });
      });
    },
  );
}

function ofKind(entries: readonly RegistryEntry[], kind: RegistryEntry['kind']): readonly RegistryEntry[] {
  return entries
    .filter((entry) => entry.kind === kind)
    .sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

function toInfo(source: RegistrySource, content: RegistryContent, { registry_auth }: ApplicationConfig) {
  const oauth = registry_auth?.type === 'oauth' ? registry_auth.oauth : undefined;
  const auth =
    oauth?.issuer && oauth.client_id
      ? {
          auth_status: oauth.cached_refresh_token_ref ? 'authenticated' : 'configured',
          auth_type: 'oauth',
          auth_config: {
            issuer: oauth.issuer,
            client_id: oauth.client_id,
            ...(oauth.audience ? { audience: oauth.audience } : {}),
            ...(oauth.scopes?.length ? { scopes: oauth.scopes } : {}),
          },
        }
      : { auth_status: 'none', auth_type: '' };
  return {
    name: DEFAULT_REGISTRY,
    version: content.version,
    last_updated: content.lastUpdated,
    server_count: ofKind(content.entries, 'container').length,
    type: source.kind,
    source: source.location,
    ...auth,
  };
}

/** The layout of spec 10 §16.1: servers by name. */
function toLegacy({ version, lastUpdated, entries }: RegistryContent) {
  const byName = (kind: RegistryEntry['kind']) =>
    Object.fromEntries(ofKind(entries, kind).map((entry) => [entry.name, entryToJson(entry)]));
  const remotes = byName('remote');
  return {
    version,
    last_updated: lastUpdated,
    servers: byName('container'),
    ...(Object.keys(remotes).length > 0 ? { remote_servers: remotes } : {}),
  };
}
