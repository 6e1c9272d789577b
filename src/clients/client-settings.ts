import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, within } from '../errors/index.ts';
import { createGroupStore } from '../groups/index.ts';
import { homeOf, type Logger, type Paths } from '../platform/index.ts';
import { changeClient } from './change-client.ts';
import { type ImportPlan, planImport } from './import.ts';
import { createLedgerStore } from './ledger.ts';
import { placesOf } from './places.ts';
import { type Change, checkSettings, readEntries, type SettingsFile } from './settings-file.ts';
import { CLIENTS, getClient } from './table.ts';
import type { Client, Server } from './types.ts';

interface SettingsOptions {
  /** Tells the home folder: whose settings are meant. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  readonly paths: Pick<Paths, 'state' | 'config'>;
  readonly logger: Logger;
}

export interface ClientStatus {
  readonly id: string;
  readonly displayName: string;
  readonly installed: boolean;
  /** In any group, or for workloads without one. */
  readonly registered: boolean;
  readonly supportsSkills: boolean;
  readonly supportsPlugins: boolean;
}

interface Registration {
  readonly id: string;
  /** Sorted; empty when it is registered for workloads without a group only. */
  readonly groups: readonly string[];
}

/** What registering came to for one client. */
export interface Registered {
  readonly id: string;
  readonly path: string;
  /** The settings file was not there. */
  readonly created: boolean;
  /** Workloads that were not written because the client cannot connect to what they serve. */
  readonly skipped: readonly string[];
}

/** A server as it is known today; `group` as its document says. */
export interface GroupedServer extends Server {
  readonly group: string | undefined;
}

/** The settings of MCP clients (spec 09 §6): who is registered for which group, and the servers in their files. */
export interface ClientSettings {
  /** Every supported client, sorted by id. */
  detect(): Promise<readonly ClientStatus[]>;
  /** Sorted by id. */
  registrations(): Promise<readonly Registration[]>;
  /** Ids as given, each once. Throws `ERR_CLIENT_INVALID`. */
  parseIds(ids: readonly string[]): readonly string[];
  /**
   * Adds clients to groups (none: for workloads without a group) and writes those servers that belong there. Names, groups
   * and files are checked before anything changes. Throws `ERR_CLIENT_INVALID`, `ERR_GROUP_NOT_FOUND`, and what is wrong
   * with a client's file.
   */
  register(
    ids: readonly string[],
    groups: readonly string[],
    running: readonly GroupedServer[],
  ): Promise<readonly Registered[]>;
  /**
   * Takes clients out of groups, `undefined` for everywhere, and our entries out of their files. `known` are all workloads,
   * stopped ones too. Throws as `register`.
   */
  remove(
    ids: readonly string[],
    groups: readonly string[] | undefined,
    known: readonly GroupedServer[],
  ): Promise<void>;
  /** Writes a server into the settings of its group's clients. One that fails is a warning in the log. */
  addWorkload(server: Server, group: string | undefined): Promise<void>;
  /**
   * Takes our entry out wherever it is; entries of others stay. Without a URL only what we know to have written counts as
   * ours. A client that fails is a warning in the log.
   */
  removeWorkload(
    server: { readonly name: string; readonly url: string | undefined },
    group: string | undefined,
  ): Promise<void>;
  /** A workload that changed its group: out of the clients of one, and while it is served into those of the other. */
  moveWorkload(
    server: Server,
    change: {
      readonly from: string | undefined;
      readonly to: string | undefined;
      readonly isServed: boolean;
    },
  ): Promise<void>;
  /** Takes everything we ever wrote out of these clients, except entries of `kept` names. */
  forget(ids: readonly string[], kept: ReadonlySet<string>): Promise<void>;
  /**
   * What workloads could be made of the servers in a client's settings; nothing is changed. Throws `ERR_CLIENT_INVALID`,
   * `ERR_CLIENT_SETTINGS_INVALID`.
   */
  planImport(id: string): Promise<{ readonly path: string; readonly plans: readonly ImportPlan[] }>;
}

export function createClientSettings(options: SettingsOptions): ClientSettings {
  const { env, platform = process.platform, paths, logger } = options;
  const places = placesOf({ env, platform, homeFolder: homeOf(env, platform) });
  const groups = createGroupStore(paths.state);
  // Brings a parser of YAML along, which a workload host does well without.
  const openConfig = async () => (await import('../config/index.ts')).createConfigStore(paths);
  const globalIds = async () => (await (await openConfig()).read()).clients.registered_clients;
  const ledgers = createLedgerStore(paths.state, logger);
  const fileOf = (client: Client): SettingsFile => ({ client, places, path: client.settingsFile(places) });

  const change = (client: Client, what: Change) => changeClient(fileOf(client), what, ledgers);

  async function idsFor(group: string | undefined): Promise<readonly string[]> {
    if (group === undefined) return globalIds();
    const found = await groups.find(group);
    if (found === undefined) logger.warn('group not found, client settings are left alone', { group });
    return found?.clients ?? [];
  }

  /** The clients whose ids we know; other programs write these files too, with ids of their own. */
  const known = (ids: Iterable<string>) => {
    const wanted = new Set(ids);
    return CLIENTS.filter(({ id }) => wanted.has(id));
  };

  async function changeEach(
    clients: readonly Client[],
    workload: string | undefined,
    what: Change,
  ): Promise<void> {
    await Promise.all(
      clients.map(async (client) => {
        try {
          const { skipped } = await change(client, what);
          if (skipped.length > 0)
            logger.warn('client cannot connect over SSE, the workload is not written', {
              ...(workload === undefined ? {} : { workload }),
              client: client.id,
            });
        } catch (error) {
          logger.warn('failed to change the settings of a client', {
            ...(workload === undefined ? {} : { workload }),
            client: client.id,
            error: messageOf(error),
          });
        }
      }),
    );
  }

  async function checkGroups(names: readonly string[], what: string): Promise<void> {
    for (const name of names)
      await within(what, () => within(`failed to get group ${name}`, () => groups.get(name)));
  }

  const setGlobal = async (update: (ids: readonly string[]) => readonly string[]) =>
    (await openConfig()).update((current) => ({
      ...current,
      clients: { ...current.clients, registered_clients: [...update(current.clients.registered_clients)] },
    }));

  return {
    async detect() {
      const registered = new Set((await registrationsOf(groups, await globalIds())).keys());
      return CLIENTS.map((client) => ({
        id: client.id,
        displayName: client.displayName,
        installed: isInstalled(fileOf(client)),
        registered: registered.has(client.id),
        supportsSkills: client.supportsSkills,
        supportsPlugins: client.supportsPlugins,
      }));
    },
    async registrations() {
      const found = await registrationsOf(groups, await globalIds());
      return [...found].map(([id, names]) => ({ id, groups: names })).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    parseIds: (ids) => [...new Set(ids)].map((id) => getClient(id).id),
    async register(ids, names, running) {
      const clients = [...new Set(ids)].map(getClient);
      await checkGroups(names, 'failed to register clients with groups');
      const add = running.filter(({ group }) => isAmong(group, names));
      const write = async <T>(client: Client, action: () => Promise<T>) =>
        within('failed to register clients', () =>
          within(`failed to add workloads to client ${client.id}`, action),
        );
      if (add.length > 0)
        for (const client of clients) await write(client, () => checkSettings(fileOf(client)));
      const enlist = (present: readonly string[]) => [
        ...new Set([...present, ...clients.map(({ id }) => id)]),
      ];
      for (const name of names) await groups.updateClients(name, enlist);
      if (names.length === 0) await setGlobal(enlist);
      const outcomes: Registered[] = [];
      for (const client of clients) {
        const changed =
          add.length === 0
            ? { created: false, skipped: [] }
            : await write(client, () => change(client, { add, remove: [] }));
        outcomes.push({ id: client.id, path: fileOf(client).path, ...changed });
      }
      return outcomes;
    },
    async remove(ids, names, workloads) {
      const clients = [...new Set(ids)].map(getClient);
      await checkGroups(names ?? [], 'failed to remove clients from groups');
      const isGoing = ({ group }: GroupedServer) => names === undefined || isAmong(group, names);
      const staying = workloads.filter((server) => !isGoing(server)).map(({ name }) => name);
      for (const client of clients)
        await within(`failed to remove workloads from client ${client.id}`, () =>
          change(client, {
            add: [],
            remove: workloads.filter(isGoing),
            removeWrittenExcept: new Set(staying),
          }),
        );
      const dismiss = (present: readonly string[]) => present.filter((id) => !ids.includes(id));
      const affected = names ?? (await groups.names());
      for (const name of affected) await groups.updateClients(name, dismiss);
      const isEverywhere = names === undefined || names.length === 0;
      if (isEverywhere && (await globalIds()).some((id) => ids.includes(id))) await setGlobal(dismiss);
    },
    async addWorkload(server, group) {
      await changeEach(known(await idsFor(group)), server.name, { add: [server], remove: [] });
    },
    async removeWorkload({ name, url }, group) {
      // A client that has left the group meanwhile may still hold what we wrote.
      const registered = url === undefined ? [] : await idsFor(group);
      const clients = known([...registered, ...(await ledgers.clients())]);
      await changeEach(clients, name, { add: [], remove: [{ name, url }] });
    },
    async moveWorkload(server, { from, to, isServed }) {
      const present = isServed ? await idsFor(to) : [];
      const leaving = (await idsFor(from)).filter((id) => !present.includes(id));
      await changeEach(known(leaving), server.name, { add: [], remove: [server] });
      await changeEach(known(present), server.name, { add: [server], remove: [] });
    },
    async forget(ids, kept) {
      await changeEach(known(ids), undefined, { add: [], remove: [], removeWrittenExcept: kept });
    },
    async planImport(id) {
      const file = fileOf(getClient(id));
      const { servers } = await ledgers.read(id, file.path);
      const home = homeOf(env, platform);
      const plans = planImport(await readEntries(file), env, { home, folder: dirname(file.path) });
      return {
        path: file.path,
        plans: plans.map(({ entry, ...plan }) =>
          servers[entry] === undefined
            ? ({ entry, ...plan } as ImportPlan)
            : { entry, reason: 'it is a workload already' },
        ),
      };
    },
  };
}

function isInstalled({ client, path }: SettingsFile): boolean {
  return existsSync(client.installedWhen === 'file' ? path : dirname(path));
}

/** No groups mean the workloads without one. */
function isAmong(group: string | undefined, names: readonly string[]): boolean {
  return names.length === 0 ? group === undefined : group !== undefined && names.includes(group);
}

async function registrationsOf(
  groups: ReturnType<typeof createGroupStore>,
  global: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const id of global) found.set(id, []);
  for (const { name, clients } of await groups.list())
    for (const id of clients) found.set(id, [...(found.get(id) ?? []), name]);
  return found;
}
